"""Causes and symptoms: findings are ordered by probability, and symptoms are folded under their cause."""

from collections.abc import Iterable

import msgspec

from rlvitals.diagnosis.finding import RANK, Finding

_STEP = frozenset({
    "kl-too-large", "large-policy-updates", "entropy-collapse", "value-not-learning", "actions-saturated", "regression",
})  # fmt: skip
_UNTAUGHT = frozenset({
    "no-learning", "reward-sign", "below-baseline", "not-better-than-baseline", "gain-stopped", "evaluation-gap",
})  # fmt: skip
_RIVALS = frozenset({"advantage-estimation", "observations-frozen", "dead-policy", "truncation-as-termination"})

EXPLAINS: dict[str, frozenset[str]] = {
    "non-finite": _STEP
    | _UNTAUGHT
    | _RIVALS
    | {"run-failed", "stalled", "gradient-explosion", "learning-rate-zero", "reward-scale"},
    "gradient-explosion": _STEP
    | _UNTAUGHT
    | _RIVALS
    | {"reward-scale", "learning-rate-too-high", "stale-data", "plateau"},
    "learning-rate-too-high": _STEP
    | _UNTAUGHT
    | _RIVALS
    | {"gradient-explosion", "stale-data", "plateau", "reward-scale"},
    "kl-too-large": (_STEP - {"kl-too-large"}) | _UNTAUGHT | {"advantage-estimation", "stale-data", "plateau"},
    "stale-data": _STEP | _UNTAUGHT | {"advantage-estimation", "plateau"},
    "learning-rate-too-low": _UNTAUGHT | _RIVALS | {"value-not-learning", "plateau", "reward-scale"},
    "learning-rate-zero": _UNTAUGHT | {"plateau", "value-not-learning", "learning-rate-too-low", "stale-data"},
    "entropy-too-high": _UNTAUGHT | {"actions-saturated", "advantage-estimation", "regression", "plateau"},
    "entropy-collapse": _UNTAUGHT
    | {"kl-too-large", "plateau", "advantage-estimation", "value-not-learning", "regression"},
    "reward-constant": _UNTAUGHT
    | {"value-not-learning", "plateau", "entropy-collapse", "dead-policy", "observations-frozen", "reward-scale"},
    "reward-scale": _UNTAUGHT
    | _RIVALS
    | {"value-not-learning", "plateau", "entropy-collapse", "learning-rate-too-low"},
    "reward-sign": (_UNTAUGHT - {"reward-sign"})
    | {
        "entropy-collapse",
        "actions-saturated",
        "advantage-estimation",
        "category-neglected",
        "reward-hacking",
        "regression",
    },
    "discount": _UNTAUGHT
    | {
        "value-not-learning",
        "advantage-estimation",
        "entropy-collapse",
        "plateau",
        "dead-policy",
        "observations-frozen",
    }
    | {"truncation-as-termination", "regression"},
    "advantage-estimation": _UNTAUGHT | {"entropy-collapse", "value-not-learning", "regression"},
    "observations-frozen": _UNTAUGHT | {"value-not-learning", "advantage-estimation", "entropy-collapse", "plateau"},
    "dead-policy": _UNTAUGHT | {"value-not-learning", "advantage-estimation", "plateau"},
    "value-not-learning": _UNTAUGHT | {"advantage-estimation", "plateau"},
    "actions-saturated": _UNTAUGHT | {"plateau", "advantage-estimation"},
    "plateau": _UNTAUGHT | {"entropy-collapse", "advantage-estimation", "value-not-learning", "reward-constant"},
    "episodes-of-length-one": _STEP
    | _UNTAUGHT
    | _RIVALS
    | {"reward-constant", "reward-scale", "plateau", "throughput-drop", "reward-hacking"},
    "regression": frozenset({"kl-too-large", "entropy-collapse", "actions-saturated", "value-not-learning", "plateau"})
    | _UNTAUGHT
    | {"learning-rate-too-high", "advantage-estimation", "throughput-drop"},
    "truncation-as-termination": (_UNTAUGHT - {"reward-sign"}) | {"value-not-learning"},
    "stalled": frozenset(),
}
"""Typical symptoms of each cause, by code."""


def folded(findings: Iterable[Finding], *, so_far: float = 0.0) -> tuple[Finding, ...]:
    """Order findings by probability and fold each symptom under the first cause that explains it.

    Findings are ordered by confidence, with info findings after warnings and critical findings. A finding that is a
    known symptom of an earlier one is folded under it, unless the cause started later by more than a tenth of the run.

    Args:
        findings: Findings of the rules.
        so_far: Environment steps of the run so far. The length of the run is at least the latest onset.
    """
    ordered = sorted(findings, key=lambda finding: (RANK[finding.severity] > 0, finding.confidence), reverse=True)
    ends = max(so_far, max((finding.since_step or 0 for finding in ordered), default=0))
    causes: list[Finding] = []
    under: dict[str, list[Finding]] = {}
    for finding in ordered:
        cause = next((one for one in causes if _explains(one, finding, ends)), None)
        if cause is None:
            causes.append(finding)
        else:
            under.setdefault(cause.code, []).append(finding)
    return tuple(
        msgspec.structs.replace(cause, symptoms=tuple(under[cause.code])) if cause.code in under else cause
        for cause in causes
    )


def _explains(cause: Finding, symptom: Finding, ends: float) -> bool:
    if symptom.code not in EXPLAINS.get(cause.code, frozenset()):
        return False
    if cause.since_step is None or symptom.since_step is None:
        return True
    return cause.code == "regression" or cause.since_step - symptom.since_step <= 0.1 * ends
