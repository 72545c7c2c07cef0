"""The vigil: looks at a training while it goes on, and says what is wrong, what is well again, and what was reached."""

import contextlib
import math
import threading
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import numpy as np

from rlvitals.clock import Clock
from rlvitals.diagnosis import Collector, Context, Diagnosis, Finding, Watch, collected, diagnose
from rlvitals.errors import ClosedError, ReadInterruptedError, RlvitalsError
from rlvitals.monitor.milestones import KIND as MILESTONE
from rlvitals.monitor.milestones import Milestones
from rlvitals.records import Episode, Event, Record
from rlvitals.runs import Run
from rlvitals.runs.interruption import reading
from rlvitals.sinks import Sink

FINDING = "finding"
"""The kind of the events that say that a finding has opened, or closed; which of them, `data["state"]` says."""
OPENED, CLOSED = "opened", "closed"

_MOST_RECORDS = 10_000
_MOST_FOR_MILESTONES = 2_000
_SHARE = 20.0
"""Reading the folder again and again takes at most this part of the time: one in twenty."""
_REWIND = "rewind"

Say = Callable[[Event], object]


class Vigil(Sink):
    """Takes every record, and every few seconds judges the training by all rules (`rlvitals.diagnosis`).

    A finding is said when it opens, when it becomes worse, and when it has closed, and never in between. All of it
    happens in the thread that writes to sinks. Memory is bounded: of more than 10,000 records between two looks (2,000
    a second) the further ones are not kept, and the run's folder is read instead, for at most a twentieth of the time,
    and once more at the end; milestones look at the last 2,000 episodes.

    Args:
        say: Records an event.
        context: Tells what is known of the run beside its records.
        run: The run, whose folder is read again after a rewind.
        clock: Tells the time.
        interval_s: Seconds between two looks.
        target: The reward that counts as solved, if there is one; may be set later.
        resumed: Whether the run had been begun before.
        missed: Tells how many records did not come this far, as those who wrote them were too quick.
    """

    def __init__(
        self,
        say: Say,
        context: Callable[[], Context],
        run: Run,
        *,
        clock: Clock,
        interval_s: float,
        target: float | None = None,
        resumed: bool = False,
        missed: Callable[[], int] = lambda: 0,
    ) -> None:
        self.milestones = Milestones(target=target)
        self._say = say
        self._context = context
        self._run = run
        self._clock = clock
        self._interval_s = interval_s
        self._watch = Watch()
        self._collector = Collector()
        self._stale = resumed
        self._missed = missed
        self._missed_before = 0
        self._passed_over = self._had_gaps = False
        self._due = -math.inf
        self._episodes: list[Episode] = []
        self._looked = clock.time()
        self._fresh = False
        self._taken = 0
        self._closed = False
        # A look may be asked for by any thread while the sink's own looks, and by a signal handler in the midst of one.
        self._looking = threading.RLock()
        self._is_judging = False
        self._last: Diagnosis | None = None
        if resumed:
            self._remember()

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return "vigil"

    def write(self, record: Record) -> None:
        """Take one record, and look if it is time.

        Raises:
            ClosedError: The vigil is over.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        if isinstance(record, Event):
            if record.kind == _REWIND:
                self._stale = True
                self.milestones.look(record)
                self._episodes.clear()
            return
        self._fresh = True
        if self._taken < _MOST_RECORDS:
            self._taken += 1
            self._collector.add(record)
            if isinstance(record, Episode):
                self._episodes.append(record)
        else:
            self._passed_over = True
        # A clock that was set back must not end the vigil.
        if abs(self._clock.time() - self._looked) >= self._interval_s:
            self.look()

    def close(self) -> None:
        """Look a last time."""
        if not self._closed:
            self._closed = True
            # What was read in the midst of a flood may hold some records twice, or not at all.
            self._passed_over |= self._had_gaps
            self.look()

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what overflows is data here
    def look(self) -> None:
        """Judge, and say what is new."""
        self._looked = self._clock.time()
        if not self._fresh and not self._closed:
            return
        self._fresh, self._taken = False, 0
        episodes, self._episodes = self._episodes, []
        with contextlib.suppress(ClosedError, ReadInterruptedError):  # closing did not wait for this look
            for event in self._reached(episodes):
                self._say(event)
            change = self._watch.look(self.diagnosis(), last=self._closed)
            for state, findings in ((OPENED, change.opened), (CLOSED, change.closed)):
                for finding in findings:
                    self._say(self._event(finding, state))

    def diagnosis(self) -> Diagnosis:
        """What there is to say of the training now. Safe from any thread.

        A signal handler that interrupts one gets the one before.
        """
        with self._looking:
            if self._is_judging:
                return self._last or diagnose(Collector().evidence(self._context()))
            self._is_judging = True
            try:
                if self._stale or (self._has_gaps() and (self._closed or self._clock.monotonic() >= self._due)):
                    self._collect_again()
                self._last = diagnose(self._collector.evidence(self._context()))
            finally:
                self._is_judging = False
            return self._last

    def _reached(self, episodes: list[Episode]) -> Iterable[Event]:
        skipped, seen = episodes[:-_MOST_FOR_MILESTONES], episodes[-_MOST_FOR_MILESTONES:]
        first = next((episode for episode in skipped if episode.success), None)
        for episode in seen if first is None else (first, *seen):
            yield from self.milestones.look(episode)

    def _has_gaps(self) -> bool:
        gaps = self._passed_over or self._missed() > self._missed_before
        self._had_gaps |= gaps
        return gaps

    def _collect_again(self) -> None:
        begun, missed = self._clock.monotonic(), self._missed()
        try:
            with reading():
                self._collector = collected(self._run)
        except ReadInterruptedError:  # the run is closing: there is nothing to say that would be true of all of it
            raise
        except (RlvitalsError, OSError):  # the folder cannot be read at present: the next look tries again
            return
        self._stale = self._passed_over = False
        self._missed_before = missed
        ended = self._clock.monotonic()
        self._due = ended + _SHARE * (ended - begun)

    def _remember(self) -> None:
        """What a run that is taken up had said: milestones are not said again, nor are findings that are open."""
        try:
            events = list(self._run.records("events"))
        except (RlvitalsError, OSError):
            return
        self.milestones.remember(event for event in events if event.kind == MILESTONE)
        self._watch.remember(open_findings(events))

    def _event(self, finding: Finding, state: str) -> Event:
        said: dict[str, Any] = msgspec.to_builtins(finding)
        message = finding.sentence if state == OPENED else f"{finding.title}: no longer seen"
        severity = said.pop("severity") if state == OPENED else "info"
        code = said.pop("code")
        return Event(
            time=self._clock.time(),
            kind=FINDING,
            message=message[:1_000],
            severity=severity,
            code=code,
            env_step=finding.since_step if state == OPENED else None,
            data={"state": state, **said},
        )


def open_findings(events: Iterable[Event]) -> list[Finding]:
    """The findings that a run's events opened and did not close, as they were last said."""
    found: dict[str, Finding] = {}
    for event in events:
        data = event.data or {}
        if event.kind != FINDING or event.code is None:
            continue
        if data.get("state") == CLOSED:
            found.pop(event.code, None)
        else:
            said = {name: value for name, value in data.items() if name in Finding.__struct_fields__}
            try:
                found[event.code] = msgspec.convert(
                    {"confidence": 0.0, "title": event.message, **said, "code": event.code, "severity": event.severity},
                    Finding,
                )
            except msgspec.ValidationError:  # of another making
                continue
    return list(found.values())
