"""The diagnosis of a run as commands print it."""

import msgspec

from rlvitals.diagnosis.finding import Finding
from rlvitals.diagnosis.health import Deduction


class PrintedDiagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """The diagnosis of a run, as `--json` prints it.

    Attributes:
        status: `healthy`, `warning` or `critical` by the worst severity among the findings; otherwise `not judged`.
        health_score: Health score, 0 to 100. `None` if the run is not judged.
        judged: Whether there is a verdict.
        evidence: Amount of evidence, and the amount that a verdict needs.
        env_step: Environment steps so far. `None` before the first.
        findings: Findings, the most probable cause first.
        points_lost: Points that each finding costs, the largest first.
        inapplicable: Codes of the rules that do not apply to the algorithm of the run.
        skipped_rules: Missing signals of each skipped rule, or the exception of a rule that failed, by its code.
    """

    status: str
    health_score: int | None
    judged: bool
    evidence: str
    env_step: int | None
    findings: tuple[Finding, ...]
    points_lost: tuple[Deduction, ...]
    inapplicable: tuple[str, ...]
    skipped_rules: dict[str, tuple[str, ...]]
