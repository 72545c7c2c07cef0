"""Findings: the results of rules, with evidence, cause and advice."""

from typing import Any

import msgspec

INFO = "info"
WARNING = "warning"
CRITICAL = "critical"

RANK = {CRITICAL: 2, WARNING: 1, INFO: 0}
"""Rank of each severity; a higher rank is worse."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A fault of a run, or a fact worth knowing.

    Attributes:
        code: Stable name; `docs/reference/findings` has a page for each code.
        severity: `info`, `warning` or `critical`.
        confidence: Confidence of the rule in the cause, 0 to 1.
        title: Short title.
        since_step: Environment step at which the fault started; `None` if it holds from the start or has no step.
        evidence: Values that support the finding, by name.
        series: Series to inspect, as `stream.field`.
        cause: Most probable cause, one sentence.
        advice: What to do.
        source: Paper or reference.
        symptoms: Findings that this one explains.
    """

    code: str
    severity: str
    confidence: float
    title: str
    since_step: int | None = None
    evidence: dict[str, Any] = {}
    series: tuple[str, ...] = ()
    cause: str = ""
    advice: str = ""
    source: str = ""
    symptoms: tuple["Finding", ...] = ()

    @property
    def sentence(self) -> str:
        """The finding as one line of text."""
        since = "" if self.since_step is None else f" since step {self.since_step:,}"
        return f"{self.title}{since}: {self.cause}"


def all_codes(findings: tuple[Finding, ...]) -> set[str]:
    """Return the codes of findings and of the symptoms folded under them."""
    return {code for finding in findings for code in (finding.code, *(symptom.code for symptom in finding.symptoms))}
