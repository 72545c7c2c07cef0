"""Live diagnosis: checks a training run while it runs, and records milestones and findings that open or close."""

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
from rlvitals.records import Episode, Evaluation, Event, Record
from rlvitals.runs import Run
from rlvitals.runs.interruption import reading
from rlvitals.sinks import Sink

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST_RECORDS = 10_000
_MOST_FOR_MILESTONES = 2_000
_IDLE_SHARE = 400.0
"""Minimum pause after an evaluation, relative to its duration, so that all of them take at most 0.25 % of the time."""
_LONGEST_PAUSE_S = 60.0
_REWIND = "rewind"
_OUTCOME = ("time", "episode", "reward", "length", "env_step", "success", "category", "quality_final")
"""Columns of an episode that milestones use when they are read from the run folder."""

RecordEvent = Callable[[Event], object]


class LiveDiagnosis(Sink):
    """Sink that evaluates all rules (`rlvitals.diagnosis`) at an interval while the run is recorded.

    A finding is recorded only when it opens, becomes worse or closes. All work is done in the thread that writes to
    this sink. Evaluations take at most 0.25 % of the time, unless that would delay the next one by more than a minute.

    Memory is bounded. At most 10,000 records are kept between two evaluations (2,000 per second). After that, the run
    folder is read instead. Reading takes at most 5 % of the time, and happens once more at the end of the run.
    Milestones evaluate the last 2,000 episodes.

    Args:
        record_event: Callback that records an event.
        context: Callback that returns the context of the run for the diagnosis (configuration, status, failures).
        run: Reader of the run. Its folder is read again after a rewind.
        clock: Source of the time.
        interval_s: Minimum seconds between two evaluations.
        target: Reward at which the task counts as solved, or `None`.
        resumed: Whether the run is resumed.
        missed: Callback that returns the number of records lost because the queue was full.
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
        self._interval_s = self._pause_s = interval_s
        self._milestones = Milestones(target=target)
        self._unsaid: list[Event] = []  # milestones found in the run folder that have no event yet
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
        # Any thread can request a diagnosis while this sink's thread computes one, and a signal handler can interrupt.
        self._evaluating = threading.RLock()
        self._is_diagnosing = False
        self._last: Diagnosis | None = None
        if resumed:  # open findings and reached milestones are not recorded twice
            events = self._resume_milestones()
            self._findings.remember(one.finding for one in recorded_findings(events) if one.is_open)

    def set_target(self, target: float | None) -> None:
        """Set the reward at which the task counts as solved, or `None` for no target."""
        self._milestones.target = target

    @property
    def name(self) -> str:
        """Name of the sink in messages."""
        return "live diagnosis"

    def write(self, record: Record) -> None:
        """Add one record, and evaluate the run if the interval has passed.

        Args:
            record: Record of any stream.

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
        if isinstance(record, Evaluation):
            self._milestones.observe(record)
        if self._taken < _MOST_RECORDS:
            self._taken += 1
            self._collector.add(record)
            if isinstance(record, Episode):
                self._episodes.append(record)
        else:
            self._passed_over = True
        # If the clock is set back, evaluations must continue.
        if abs(self._clock.time() - self._evaluated_at) >= self._pause_s:
            began = self._clock.monotonic()
            self.evaluate()
            took = self._clock.monotonic() - began
            self._pause_s = max(self._interval_s, min(_LONGEST_PAUSE_S, _IDLE_SHARE * took))

    def close(self) -> None:
        """Evaluate the run a last time."""
        if not self._closed:
            self._closed = True
            # Evidence read while records were arriving can contain some records twice, or miss some.
            self._passed_over |= self._had_gaps
            self.evaluate()

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # overflow is an expected symptom in the data
    def evaluate(self) -> None:
        """Diagnose the run, and record new milestones and changed findings."""
        self._evaluated_at = self._clock.time()
        if not self._fresh and not self._closed:
            return
        self._fresh, self._taken = False, 0
        episodes, self._episodes = self._episodes, []
        unsaid, self._unsaid = self._unsaid, []
        with contextlib.suppress(ClosedError, ReadInterruptedError):  # closing does not wait for this evaluation
            for event in (*unsaid, *self._reached(episodes)):
                self._record_event(event)
            change = self._findings.update(self.diagnosis(), last=self._closed)
            for state, findings in ((OPENED, change.opened), (CLOSED, change.closed)):
                for finding in findings:
                    self._record_event(event_of(finding, state, time=self._clock.time()))

    def diagnosis(self) -> Diagnosis:
        """Return a diagnosis of the current state. Thread-safe.

        A signal handler that interrupts a diagnosis gets the previous result.
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
        except ReadInterruptedError:  # the run is closing, and incomplete evidence must not be diagnosed
            raise
        except (RlvitalsError, OSError):  # the folder cannot be read now; the next evaluation retries
            return
        self._stale = self._passed_over = False
        self._missed_before = missed
        ended = self._clock.monotonic()
        self._due = ended + pause_after(ended - begun)

    def _resume_milestones(self, episodes: int | None = None) -> list[Event]:
        """Restore the state of the milestones from the recorded run, and return the events of the run.

        Args:
            episodes: Number of episodes of the branch that continues, or `None` for all. Later episodes are passed to
                `write`.
        """
        from rlvitals.runs.queries import ask  # noqa: PLC0415 - loads duckdb

        try:
            with reading():
                events, evaluations = list(self._run.records("events")), list(self._run.records("evaluations"))
                rewards, places, outcomes = ask(self._run, lambda tables: _recorded(tables, episodes), "episodes")
        except (RlvitalsError, OSError):
            return []
        self._milestones = Milestones(target=self._milestones.target)
        self._unsaid = self._milestones.resume(events, rewards, places, outcomes, evaluations)
        return events


def _recorded(
    tables: "DuckDBPyConnection", episodes: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Episode]]:
    """Read the first episodes: all rewards and episode numbers, and the outcomes of the first success and the last."""
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
    """Start the live diagnosis of a run.

    Args:
        recorder: Recorder of the run. It passes every record to the live diagnosis.
        target: Reward at which the task counts as solved, or `None`.

    Returns:
        The live diagnosis, or `None` if the recorder's settings turn it off.
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
    """Return the diagnosis context of a run: its header, dropped records and current failures."""
    header, dropped = recorder.session.header, recorder.dropped_records()
    return context_from(
        header, status=header.status, reason="", dropped={"records": dropped.records}, failures=recorder.failures()
    )
