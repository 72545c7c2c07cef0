"""Follows a live run's findings from look to look: what opened, what goes on, what closed."""

from collections.abc import Iterable
from typing import NamedTuple

from rlvitals.diagnosis.diagnose import Diagnosis
from rlvitals.diagnosis.finding import RANK, Finding

_LOOKS_TO_CLOSE = 3


class Change(NamedTuple):
    """What is new since the look before.

    Attributes:
        opened: Findings that were not there before, or have become worse: these are worth an alert, once.
        persisting: Findings that go on, as they are now.
        closed: Findings that are gone for good.
    """

    opened: tuple[Finding, ...] = ()
    persisting: tuple[Finding, ...] = ()
    closed: tuple[Finding, ...] = ()


class Watch:
    """Remembers what was said, so that nothing is said twice.

    A finding is known by its code. It opens when it is first seen, and again if it becomes more severe; it closes when
    it has not been seen for three looks in a row, so that one that comes and goes is said once. A finding that is
    folded under another one meanwhile is not closed: it is still seen.

    Args:
        looks_to_close: Looks without a finding after which it is closed.
    """

    def __init__(self, looks_to_close: int = _LOOKS_TO_CLOSE) -> None:
        self._patience = looks_to_close
        self._open: dict[str, Finding] = {}
        self._unseen: dict[str, int] = {}

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that are open, as they were last seen."""
        return tuple(self._open.values())

    def remember(self, findings: Iterable[Finding]) -> None:
        """Take findings as said and open already, by a run that is taken up again."""
        for finding in findings:
            self._open[finding.code] = finding
            self._unseen[finding.code] = 0

    def look(self, diagnosis: Diagnosis, *, last: bool = False) -> Change:
        """Take in a diagnosis.

        Args:
            diagnosis: The one after the last that was looked at.
            last: Whether no other follows: what it does not have is closed at once, so that nothing stays open of a run
                that ended without it.

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
        return Change(tuple(opened), tuple(persisting), tuple(closed))
