"""Findings of a live run from one diagnosis to the next: opened, persisting, closed."""

from collections.abc import Iterable
from typing import NamedTuple

from rlvitals.diagnosis.diagnose import Diagnosis
from rlvitals.diagnosis.finding import RANK, Finding

_CHECKS_TO_CLOSE = 3


class FindingChange(NamedTuple):
    """Changes since the previous diagnosis.

    Attributes:
        opened: Findings that are new or have become worse. Each is worth one alert.
        persisting: Findings that remain, in their current form.
        closed: Findings that have disappeared.
    """

    opened: tuple[Finding, ...] = ()
    persisting: tuple[Finding, ...] = ()
    closed: tuple[Finding, ...] = ()


class FindingTracker:
    """Tracker of findings by code, which reports each finding once.

    A finding opens when it first appears, and again if it becomes more severe. It closes after three consecutive checks
    without it, so an intermittent finding is reported once. A finding that is folded under another one stays open.

    Args:
        checks_to_close: Number of consecutive checks without a finding after which it closes.
    """

    def __init__(self, checks_to_close: int = _CHECKS_TO_CLOSE) -> None:
        self._patience = checks_to_close
        self._open: dict[str, Finding] = {}
        self._unseen: dict[str, int] = {}

    @property
    def open(self) -> tuple[Finding, ...]:
        """The open findings, as last seen."""
        return tuple(self._open.values())

    def remember(self, findings: Iterable[Finding]) -> None:
        """Mark findings as open and already reported, for a resumed run."""
        for finding in findings:
            self._open[finding.code] = finding
            self._unseen[finding.code] = 0

    def update(self, diagnosis: Diagnosis, *, last: bool = False) -> FindingChange:
        """Compare a diagnosis with the previous one.

        Args:
            diagnosis: Newest diagnosis.
            last: Whether it is the last one. Findings that it lacks are then closed immediately, so that none stays
                open in a finished run.

        Returns:
            Changes since the previous diagnosis.
        """
        seen = {finding.code: finding for finding in diagnosis.findings}
        folded = {symptom.code for finding in diagnosis.findings for symptom in finding.symptoms}
        opened: list[Finding] = []
        persisting: list[Finding] = []
        for code, finding in seen.items():
            before = self._open.get(code)
            worse = before is not None and RANK[finding.severity] > RANK[before.severity]
            (opened if before is None or worse else persisting).append(finding)
            self._open[code] = finding
            self._unseen[code] = 0
        closed = []
        for code in [code for code in self._open if code not in seen]:
            self._unseen[code] = 0 if code in folded else self._unseen[code] + 1
            if self._unseen[code] >= self._patience or (last and code not in folded):
                closed.append(self._open.pop(code))
                del self._unseen[code]
        return FindingChange(tuple(opened), tuple(persisting), tuple(closed))
