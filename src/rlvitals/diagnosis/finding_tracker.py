"""Tracks the findings of a live run from one diagnosis to the next: opened, persisting, closed."""

from collections.abc import Iterable
from typing import NamedTuple

from rlvitals.diagnosis.diagnose import Diagnosis
from rlvitals.diagnosis.finding import RANK, Finding

_CHECKS_TO_CLOSE = 3


class FindingChange(NamedTuple):
    """What changed since the previous diagnosis.

    Attributes:
        opened: Findings that are new, or have become worse: these are worth one alert.
        persisting: Findings that remain, as they are now.
        closed: Findings that are gone.
    """

    opened: tuple[Finding, ...] = ()
    persisting: tuple[Finding, ...] = ()
    closed: tuple[Finding, ...] = ()


class FindingTracker:
    """Tracks findings by their code, so that each is reported once.

    A finding opens when it is first seen, and again if it becomes more severe. It closes after three consecutive
    checks without it, so that one that comes and goes is reported once. A finding that is folded under another one
    stays open: it is still seen.

    Args:
        checks_to_close: Checks without a finding after which it is closed.
    """

    def __init__(self, checks_to_close: int = _CHECKS_TO_CLOSE) -> None:
        self._patience = checks_to_close
        self._open: dict[str, Finding] = {}
        self._unseen: dict[str, int] = {}

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that are open, as they were last seen."""
        return tuple(self._open.values())

    def remember(self, findings: Iterable[Finding]) -> None:
        """Take findings as open and reported, for a resumed run."""
        for finding in findings:
            self._open[finding.code] = finding
            self._unseen[finding.code] = 0

    def update(self, diagnosis: Diagnosis, *, last: bool = False) -> FindingChange:
        """Compare a diagnosis with the one before.

        Args:
            diagnosis: The newest diagnosis.
            last: Whether no other follows: findings that it does not have are closed at once, so that none stays open
                in a run that ended without it.

        Returns:
            What changed.
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
