"""The health score: 100 minus the points that findings cost, with each deduction listed."""

from collections.abc import Sequence

import msgspec

from rlvitals.diagnosis.finding import CRITICAL, INFO, RANK, WARNING, Finding

WORST = 100
NOT_JUDGED = "not judged"
"""Status of a run with too little evidence to assess its health."""
COST = {CRITICAL: 50, WARNING: 20, INFO: 2}
"""Points that a finding of each severity costs at full confidence; half of that at zero. Folded symptoms are free."""

CHECKS: dict[str, tuple[str, ...]] = {
    "data_completeness": ("data-missing", "observations-frozen"),
    "metric_validity": ("non-finite",),
    "training_progress": (
        "no-learning", "plateau", "regression", "reward-constant", "reward-hacking", "category-neglected",
        "evaluation-gap", "below-baseline", "not-better-than-baseline", "gain-stopped", "learning-rate-too-low",
        "learning-rate-zero", "discount", "reward-sign", "dead-policy", "truncation-as-termination",
        "episodes-of-length-one",
        "parameter-at-bound", "parameter-without-effect", "search-exhausted",
        "run-failed",
    ),
    "training_stability": (
        "gradient-explosion", "kl-too-large", "large-policy-updates", "learning-rate-too-high", "entropy-collapse",
        "entropy-too-high", "value-not-learning", "reward-scale", "advantage-estimation", "actions-saturated",
        "stale-data",
    ),
    "file_system": ("memory-leak", "throughput-drop", "stalled"),
}  # fmt: skip
"""Areas of the score and the codes that count for each. Other codes count for `training_stability`."""


_OF_NO_RULE = {"not-judged": "data_completeness", "disk-space": "file_system"}
"""Areas of the findings that the validation adds to those of the rules."""


class Deduction(msgspec.Struct, frozen=True):
    """Points that a finding costs.

    Attributes:
        code: Code of the finding.
        check: Area of the deduction.
        points: Number of points.
        reason: Title of the finding.
    """

    code: str
    check: str
    points: int
    reason: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The health of a run.

    Attributes:
        score: 0 to 100: 100 minus the points of all deductions; `None` if the run is not judged.
        status: `healthy`, `warning` or `critical` by the worst severity among the findings; otherwise `not judged`.
        deductions: Deductions, the largest first.
    """

    score: int | None
    status: str
    deductions: tuple[Deduction, ...] = ()

    @property
    def checks(self) -> dict[str, int]:
        """For each area, 100 minus the points lost in it."""
        return {
            check: WORST - sum(loss.points for loss in self.deductions if loss.check == check)
            for check in (*CHECKS, "external_logging")
        }


def health_of(findings: Sequence[Finding], *, is_judged: bool = True) -> Health:
    """Compute the health score of findings.

    A finding costs `COST[severity] * (1 + confidence) / 2` points, rounded. The last findings cost at most the points
    that are left, so that 100 minus the sum of all deductions is the score.

    Args:
        findings: Findings in order of probability, with symptoms folded.
        is_judged: Whether there is enough evidence for a verdict. Without it, only a warning or critical finding gives
            a score, because an info finding is no evidence of health.
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
    """Return the area that a finding counts for."""
    if finding.code == "data-missing" and any(
        key not in {"records_dropped", "clock_backwards"} for key in finding.evidence
    ):
        return "external_logging"
    if finding.code in _OF_NO_RULE:
        return _OF_NO_RULE[finding.code]
    return next((check for check, codes in CHECKS.items() if finding.code in codes), "training_stability")
