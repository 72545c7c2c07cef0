"""What a rule says: one thing that is wrong, with its evidence, its cause and what to try."""

from typing import Any

import msgspec

INFO = "info"
WARNING = "warning"
CRITICAL = "critical"

RANK = {CRITICAL: 2, WARNING: 1, INFO: 0}
"""How bad each severity is."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, or worth knowing.

    Attributes:
        code: Its stable name; the catalogue is in `docs/diagnosis.md`.
        severity: `info`, `warning` or `critical`.
        confidence: How sure the rule is of the cause, 0 to 1; what is likeliest comes first.
        title: A few words for people.
        since_step: The environment step since which it holds; `None` if it holds from the start or has no step.
        evidence: The numbers that it was seen by, by name.
        series: The series to look at, as `stream.field`.
        cause: The likely cause, one sentence.
        advice: What to try.
        source: The paper or the reference that says so.
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
    """The codes of findings and of the symptoms folded under them."""
    return {code for finding in findings for code in (finding.code, *(symptom.code for symptom in finding.symptoms))}
