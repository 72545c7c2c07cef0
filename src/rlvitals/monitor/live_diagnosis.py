"""Live diagnosis: checks a training while it runs, and records findings that open or close, and milestones."""

import contextlib
import math
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rlvitals.clock import Clock, pause_after
from rlvitals.diagnosis import (
    Context,
    Diagnosis,
    EvidenceBuilder,
    FindingTracker,
    collected,
    context_from,
    diagnose,
)
from rlvitals.diagnosis.finding_events import CLOSED, OPENED, event_of, recorded_findings
from rlvitals.errors import ClosedError, ReadInterruptedError, RlvitalsError
from rlvitals.monitor.milestones import Milestones
from rlvitals.recording import Recorder
from rlvitals.records import Episode, Event, Record
from rlvitals.runs import Run
from rlvitals.runs.interruption import reading
from rlvitals.sinks import Sink

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST_RECORDS = 10_000
_MOST_FOR_MILESTONES = 2_000
_REWIND = "rewind"
_OUTCOME = ("time", "episode", "reward", "length", "env_step", "success", "category", "quality_final")
"""What milestones need of an episode that is read from the folder."""

RecordEvent = Callable[[Event], object]


class LiveDiagnosis(Sink):
    """Takes every record, and every few seconds evaluates the training by all rules (`rlvitals.diagnosis`).

    A finding is recorded when it opens, when it becomes worse and when it closes, and never in between. All of it
    happens in the thread that writes to sinks. Memory is bounded: of more than 10,000 records between two evaluations
    (2,000 a second) the rest is not kept, and the run's folder is read instead, for at most a twentieth of the time,
    and once more at the end; milestones see the last 2,000 episodes.

    Args:
        record_event: Records an event.
        context: Returns what is known of the run besides its records.
        run: The run, whose folder is read again after a rewind.
        clock: The clock.
        interval_s: Seconds between two evaluations.
        target: Reward that counts as solved, if there is one.
        resumed: Whether the run is a resumed one.
        missed: Returns how many records did not arrive because the queue was full.
    """

    def __init__(
        self,
        record_event: RecordEvent,
        context: Callable[[], Context],
        run: Run,
        *,
        clock: Clock,
        interval_s: float,
        target: float | None = None,
        resumed: bool = False,
        missed: Callable[[], int] = lambda: 0,
    ) -> None:
        self._record_event = record_event
        self._context = context
        self._run = run
        self._clock = clock
        self._interval_s = interval_s
        self._milestones = Milestones(target=target)
        self._unsaid: list[Event] = []  # milestones of what the folder has, which no event says
        self._findings = FindingTracker()
        self._collector = EvidenceBuilder()
        self._stale = resumed
        self._missed = missed
        self._missed_before = 0
        self._passed_over = self._had_gaps = False
        self._due = -math.inf
        self._episodes: list[Episode] = []
        self._evaluated_at = clock.time()
        self._fresh = False
        self._taken = 0
        self._closed = False
        # Any thread may ask for a diagnosis while the sink's own makes one, and a signal handler may interrupt it.
        self._evaluating = threading.RLock()
        self._is_diagnosing = False
        self._last: Diagnosis | None = None
        if resumed:  # what is open and what was reached is not recorded twice
            events = self._resume_milestones()
            self._findings.remember(one.finding for one in recorded_findings(events) if one.is_open)

    def set_target(self, target: float | None) -> None:
        """Set the reward that counts as solved."""
        self._milestones.target = target

    @property
    def name(self) -> str:
        """Name in messages."""
        return "live diagnosis"

    def write(self, record: Record) -> None:
        """Take one record, and evaluate if it is time.

        Raises:
            ClosedError: The live diagnosis is closed.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        if isinstance(record, Event):
            if record.kind == _REWIND:
                self._stale = True
                self._milestones.observe(record)
                self._episodes.clear()
                self._resume_milestones(int((record.data or {}).get("episodes") or 0))
            return
        self._fresh = True
        if self._taken < _MOST_RECORDS:
            self._taken += 1
            self._collector.add(record)
            if isinstance(record, Episode):
                self._episodes.append(record)
        else:
            self._passed_over = True
        # A clock that was set back must not end the evaluations.
        if abs(self._clock.time() - self._evaluated_at) >= self._interval_s:
            self.evaluate()

    def close(self) -> None:
        """Evaluate a last time."""
        if not self._closed:
            self._closed = True
            # What was read in the midst of a flood may hold some records twice, or not at all.
            self._passed_over |= self._had_gaps
            self.evaluate()

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what overflows is data here
    def evaluate(self) -> None:
        """Diagnose the training, and record what is new."""
        self._evaluated_at = self._clock.time()
        if not self._fresh and not self._closed:
            return
        self._fresh, self._taken = False, 0
        episodes, self._episodes = self._episodes, []
        unsaid, self._unsaid = self._unsaid, []
        with contextlib.suppress(ClosedError, ReadInterruptedError):  # closing did not wait for this evaluation
            for event in (*unsaid, *self._reached(episodes)):
                self._record_event(event)
            change = self._findings.update(self.diagnosis(), last=self._closed)
            for state, findings in ((OPENED, change.opened), (CLOSED, change.closed)):
                for finding in findings:
                    self._record_event(event_of(finding, state, time=self._clock.time()))

    def diagnosis(self) -> Diagnosis:
        """Diagnose the training as it is now. Safe from any thread.

        A signal handler that interrupts a diagnosis gets the previous one.
        """
        with self._evaluating:
            if self._is_diagnosing:
                return self._last or diagnose(EvidenceBuilder().evidence(self._context()))
            self._is_diagnosing = True
            try:
                if self._stale or (self._has_gaps() and (self._closed or self._clock.monotonic() >= self._due)):
                    self._collect_again()
                self._last = diagnose(self._collector.evidence(self._context()))
            finally:
                self._is_diagnosing = False
            return self._last

    def _reached(self, episodes: list[Episode]) -> Iterable[Event]:
        skipped, seen = episodes[:-_MOST_FOR_MILESTONES], episodes[-_MOST_FOR_MILESTONES:]
        first = next((episode for episode in skipped if episode.success), None)
        for episode in seen if first is None else (first, *seen):
            yield from self._milestones.observe(episode)

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
        except (RlvitalsError, OSError):  # the folder cannot be read at present: the next evaluation tries again
            return
        self._stale = self._passed_over = False
        self._missed_before = missed
        ended = self._clock.monotonic()
        self._due = ended + pause_after(ended - begun)

    def _resume_milestones(self, episodes: int | None = None) -> list[Event]:
        """Let milestones go on from what the run has recorded, and return its events.

        Args:
            episodes: Episodes of the branch that goes on; those behind them will still be observed. `None` for all.
        """
        from rlvitals.runs.queries import ask  # noqa: PLC0415 - loads duckdb

        try:
            with reading():
                events = list(self._run.records("events"))
                rewards, places, outcomes = ask(self._run, lambda tables: _recorded(tables, episodes), "episodes")
        except (RlvitalsError, OSError):
            return []
        self._milestones = Milestones(target=self._milestones.target)
        self._unsaid = self._milestones.resume(events, rewards, places, outcomes)
        return events


def _recorded(
    tables: "DuckDBPyConnection", episodes: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Episode]]:
    """Read rewards and numbers of the first episodes, and the outcomes of the first success and of the last of them."""
    columns = tables.execute("SELECT reward, episode FROM episodes LIMIT ?", [episodes]).fetchnumpy()
    rewards, places = (np.ma.filled(column.astype(np.float64), np.nan) for column in columns.values())
    skipped = max(0, rewards.size - _MOST_FOR_MILESTONES)
    rows = tables.execute(
        f"""SELECT {", ".join(_OUTCOME)} FROM (FROM (FROM episodes LIMIT $skipped) WHERE success LIMIT 1)
        UNION ALL SELECT {", ".join(_OUTCOME)} FROM (FROM episodes LIMIT $most OFFSET $skipped)""",  # noqa: S608 - ours
        {"skipped": skipped, "most": rewards.size - skipped},
    ).fetchall()
    return rewards, places, [Episode(**dict(zip(_OUTCOME, row, strict=True))) for row in rows]


def start_live_diagnosis(recorder: Recorder, *, target: float | None) -> LiveDiagnosis | None:
    """Begin the live diagnosis of a run; `None` where the recorder's settings turn it off.

    Args:
        recorder: Writes the run, and gives every record to the live diagnosis.
        target: Reward that counts as solved, if there is one.
    """
    interval_s = recorder.settings.diagnosis_interval_s
    if interval_s is None:
        return None
    diagnosis = LiveDiagnosis(
        recorder.write,
        lambda: context_of(recorder),
        Run(recorder.path),
        clock=recorder.clock,
        interval_s=interval_s,
        target=target,
        resumed=recorder.session.resumed,
        missed=lambda: recorder.unobserved,
    )
    recorder.add_observer(diagnosis)
    return diagnosis


def context_of(recorder: Recorder) -> Context:
    """What the writer of a run knows of it besides its records."""
    header, dropped = recorder.session.header, recorder.dropped_records()
    return context_from(
        header, status=header.status, reason="", dropped={"records": dropped.records}, failures=recorder.failures()
    )
