"""The health score: 100 less what the findings cost, each point with its finding's name."""

from collections.abc import Sequence

import msgspec

from rlvitals.diagnosis.finding import CRITICAL, INFO, RANK, WARNING, Finding

WORST = 100
NOT_JUDGED = "not judged"
"""The status of a run with too little evidence: it is not known whether it is healthy."""
COST = {CRITICAL: 50, WARNING: 20, INFO: 2}
"""Points that a finding of each severity costs at full confidence; half of that at none. Symptoms cost nothing more."""

CHECKS: dict[str, tuple[str, ...]] = {
    "data_completeness": ("data-missing", "observations-frozen"),
    "metric_validity": ("non-finite",),
    "training_progress": (
        "no-learning", "plateau", "regression", "reward-constant", "reward-hacking", "category-neglected",
        "evaluation-gap", "below-baseline", "learning-rate-too-low", "learning-rate-zero", "discount", "reward-sign",
        "dead-policy", "truncation-as-termination", "episodes-of-length-one",
    ),
    "training_stability": (
        "gradient-explosion", "kl-too-large", "learning-rate-too-high", "entropy-collapse", "entropy-too-high",
        "value-not-learning", "reward-scale", "advantage-estimation", "actions-saturated", "stale-data",
    ),
    "file_system": ("memory-leak", "throughput-drop", "stalled"),
}  # fmt: skip
"""The areas of the score, and the codes that count for each; a code that is in none counts for stability."""


_OF_NO_RULE = {"not-judged": "data_completeness", "disk-space": "file_system"}
"""The areas of findings that validation adds to those of the rules."""


class Deduction(msgspec.Struct, frozen=True):
    """Points lost.

    Attributes:
        code: The finding that cost them.
        check: The area they are counted for.
        points: How many.
        reason: The finding's title.
    """

    code: str
    check: str
    points: int
    reason: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """A run's health.

    Attributes:
        score: 0 to 100: 100 less the points of all deductions; `None` where the run is not judged.
        status: `healthy`, `warning` or `critical`: the worst severity among the findings; else `not judged`.
        deductions: Where the points went, the dearest first.
    """

    score: int | None
    status: str
    deductions: tuple[Deduction, ...] = ()

    @property
    def checks(self) -> dict[str, int]:
        """Of each area, 100 less what was lost in it."""
        return {
            check: WORST - sum(loss.points for loss in self.deductions if loss.check == check)
            for check in (*CHECKS, "external_logging")
        }


def health_of(findings: Sequence[Finding], *, is_judged: bool = True) -> Health:
    """Score findings.

    A finding costs `COST[severity] * (1 + confidence) / 2` points, rounded. No more points are lost than there are: the
    last findings cost what is left, so that 100 less the sum of all deductions is the score.

    Args:
        findings: In the order of likelihood, symptoms folded.
        is_judged: Whether there is enough evidence for a verdict. Without it, only a warning or a critical finding
            gives a score; a remark says nothing of the rest.
    """
    worst = max((RANK[finding.severity] for finding in findings), default=0)
    if not is_judged and worst == RANK[INFO]:
        return Health(score=None, status=NOT_JUDGED)
    left = WORST
    deductions: list[Deduction] = []
    for finding in sorted(findings, key=lambda one: (RANK[one.severity], one.confidence), reverse=True):
        points = min(left, round(COST[finding.severity] * 0.5 * (1.0 + finding.confidence)))
        left -= points
        deductions.append(Deduction(finding.code, check_of(finding), points, finding.title))
    status = {2: "critical", 1: "warning", 0: "healthy"}[worst]
    return Health(score=left, status=status, deductions=tuple(deductions))


def check_of(finding: Finding) -> str:
    """The area that a finding counts for."""
    if finding.code == "data-missing" and any(
        key not in {"records_dropped", "clock_backwards"} for key in finding.evidence
    ):
        return "external_logging"
    if finding.code in _OF_NO_RULE:
        return _OF_NO_RULE[finding.code]
    return next((check for check, codes in CHECKS.items() if finding.code in codes), "training_stability")
