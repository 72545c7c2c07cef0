"""Reading of a run while it is written: from the live window if it is sufficient, otherwise from the run folder."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from rlvitals.clock import Clock, pause_after
from rlvitals.compat.convergence_analysis import Courses
from rlvitals.compat.run_snapshot import RunStatus, read_courses
from rlvitals.diagnosis import Diagnosis, EvidenceBuilder, diagnose, evidence_of
from rlvitals.errors import RunError
from rlvitals.monitor.live_diagnosis import LiveDiagnosis, context_of
from rlvitals.recording import Recorder
from rlvitals.records import STREAM_OF, STREAMS, Episode, PolicyUpdate, Record
from rlvitals.records.progress import STEPS
from rlvitals.runs.header import RUNNING
from rlvitals.runs.run import Run
from rlvitals.summary.status import away_of, time_spent
from rlvitals.summary.throughput import RecordedTime, recorded_time_in, recorded_time_of

R = TypeVar("R", bound=Record)
T = TypeVar("T")


class TrainingSession(NamedTuple):
    """State of a training run at one moment.

    Attributes:
        session_id: Unique name of the run.
        start_time: Start time (UTC, seconds since 1970).
        end_time: End time (UTC, seconds since 1970), or `None` while the run is open.
        total_episodes: Number of finished episodes.
        total_timesteps: Number of environment steps taken, as reported; 0 if none were reported.
        configuration: The user's configuration.
        status: Run status: `running`, `completed`, `failed`, `preempted` or `paused`.
    """

    session_id: str
    start_time: float
    end_time: float | None
    total_episodes: int
    total_timesteps: int
    configuration: dict[str, Any]
    status: str


class _SeldomRead(Generic[T]):
    """Cache of a value computed from the whole run folder. Reading takes at most 5 % of the time of an open run.

    Args:
        clock: Source of the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: tuple[object, float, T] | None = None

    def get(self, read: Callable[[], T], *, key: object, is_running: bool) -> T:
        """Return the cached value, after updating it if the run has new records and the waiting time has passed.

        Args:
            read: Callback that reads the folder and returns the value.
            key: Key that changes with every record.
            is_running: Whether the run is open, so that a slightly outdated value is acceptable.
        """
        known, begun = self._known, self._clock.monotonic()
        if known is None or (known[0] != key and (begun >= known[1] or not is_running)):
            found = read()
            ended = self._clock.monotonic()
            known = self._known = (key, ended + pause_after(ended - begun), found)
        return known[2]


class LiveRun:
    """Reader of the run of a recorder. Can be used from any thread, a signal handler, and the child of a fork.

    Args:
        recorder: Recorder of the run.
        diagnosis: Live diagnosis of the run, or `None` if it is off.
    """

    def __init__(self, recorder: Recorder, diagnosis: LiveDiagnosis | None) -> None:
        self._recorder = recorder
        self._diagnosis = diagnosis
        self._courses = _SeldomRead[Courses](recorder.clock)
        self._recorded = _SeldomRead[RecordedTime](recorder.clock)

    @property
    def path(self) -> Path:
        """Path of the run folder."""
        return self._recorder.path

    @property
    def window_size(self) -> int:
        """Number of records of each stream in the live window."""
        return self._recorder.window.size

    def session(self) -> TrainingSession:
        """Return the current state of the run."""
        header, window = self._recorder.session.header, self._recorder.window
        return TrainingSession(
            session_id=header.run_id,
            start_time=header.started,
            end_time=header.ended,
            total_episodes=window.episodes,
            total_timesteps=window.env_step or 0,
            configuration=dict(header.configuration),
            status=header.status,
        )

    def run_status(self) -> RunStatus:
        """Return the run status as known to the writer."""
        header, window, dropped = self._recorder.session.header, self._recorder.window, self._recorder.dropped_records()
        recorded = self._recorded_time()
        return RunStatus(
            session_id=header.run_id,
            path=self._recorder.path,
            status=header.status,
            total_episodes=window.episodes,
            training_seconds=max(time_spent(header, header.ended or self._recorder.clock.time()), recorded.seconds),
            episodes_per_minute=recorded.episodes_per_minute,
            last_updated=header.ended or window.last_time or header.started,
            lost={"records": dropped.records, **dropped.sinks},
            sinks=self._recorder.sink_names,
        )

    def recent_episodes(self, count: int) -> list[Episode]:
        """Return the last episodes, oldest first. The run folder is read if the live window has too few.

        Args:
            count: Maximum number of episodes.
        """
        return self._recent(Episode, count, self._recorder.window.episodes)

    def courses(self, episodes: Sequence[Episode], status: RunStatus) -> Courses:
        """Return the curves of reward and quality over the whole run.

        If the run is longer than the live window, the run folder is read, for at most 5 % of the time.

        Args:
            episodes: Last episodes of the run, oldest first.
            status: Run status.
        """
        if 0 < status.total_episodes <= len(episodes):
            return read_courses(self.path, episodes, status.total_episodes)
        return self._courses.get(
            lambda: read_courses(self.path, episodes, status.total_episodes),
            key=(status.total_episodes, status.last_updated),
            is_running=status.status == RUNNING,
        )

    def _recorded_time(self) -> RecordedTime:
        """Return the duration from record times, read from the live window if it is complete, or from the folder."""
        header, window = self._recorder.session.header, self._recorder.window
        if window.is_whole:
            return recorded_time_in({stream: window.last(STREAMS[stream]) for stream in STEPS}, away_of(header))
        with contextlib.suppress(RunError, OSError):
            return self._recorded.get(
                lambda: recorded_time_of(Run(self.path)),
                key=(window.episodes, window.last_time),
                is_running=header.status == RUNNING,
            )
        return RecordedTime(0.0, None)

    def recent_updates(self, count: int) -> list[PolicyUpdate]:
        """Return the last updates, oldest first. The run folder is read if the live window has too few.

        Args:
            count: Maximum number of updates.
        """
        return self._recent(PolicyUpdate, count, self._recorder.window.updates)

    def diagnosis(self) -> Diagnosis:
        """Return a diagnosis of the current state of the run."""
        if self._diagnosis is not None and not self._recorder.is_child:
            self._recorder.flush_observers()
            return self._diagnosis.diagnosis()
        # In the child of a fork, the lock of the live diagnosis can be held forever by a thread that is not there.
        context = context_of(self._recorder)
        try:
            evidence = evidence_of(Run(self.path), context=context)
        except (RunError, OSError):  # the folder is missing; the file-system rule reports it
            evidence = EvidenceBuilder().evidence(context)
        return diagnose(evidence)

    def _recent(self, kind: type[R], count: int, total: int) -> list[R]:
        held: list[R] = self._recorder.window.last(kind, count)
        if len(held) >= min(count, total):
            return held
        # The window is shorter than the count, or was cleared by a resume or a rewind.
        try:
            kept: list[R] = Run(self.path).stream(STREAM_OF[kind]).last(count)
        except (RunError, OSError):
            return held
        return kept if len(kept) > len(held) else held
