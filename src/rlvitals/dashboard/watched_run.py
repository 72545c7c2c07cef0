"""A run on an open page, with its columns in memory, updated from the run folder."""

import collections
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.diagnosis.finding_events import FINDING
from rlvitals.errors import RunError, RunNotFoundError
from rlvitals.reader import RunReader
from rlvitals.records import Evaluation, Event
from rlvitals.runs.column_store import Cells, Columns, Floats
from rlvitals.runs.column_tail import Tail
from rlvitals.runs.follower import Follower
from rlvitals.runs.header import Header
from rlvitals.runs.reward_follower import RewardFollower
from rlvitals.runs.reward_series import RewardSeries

T = TypeVar("T")

STREAMS = ("episodes", "updates", "system")
"""Streams that are kept as columns."""
MOST_EVENTS = 5_000
MOST_EVALUATIONS = 2_000
_LONGEST_ERROR = 300


class Cursor(NamedTuple):
    """Position of a reader in a run. Records after it are new to the reader.

    Attributes:
        reading: Number of times that the run was read from its beginning.
        rows: Number of rows of each stream.
        events: Number of events until now, including events that are no longer kept.
        evaluations: Number of evaluations until now, including evaluations that are no longer kept.
    """

    reading: int
    rows: dict[str, int]
    events: int
    evaluations: int


class Delta(NamedTuple):
    """Records of a run that are new since a cursor.

    Attributes:
        before: Number of rows of each stream at the cursor; later rows are new.
        events: New events.
        evaluations: Number of new evaluations.
        again: Whether earlier data is invalid because the run was rewound or its files were changed.
    """

    before: dict[str, int]
    events: list[Event]
    evaluations: int
    again: bool = False


class WatchedRun:
    """A run that is read once and then followed. Thread-safe.

    Any reader can refresh the run. Each reader keeps a cursor, and `delta_since` returns the records that are new to
    it, regardless of which reader refreshed the run.

    Args:
        key: Path of the run relative to the folder of runs.
        path: Run folder.
        clock: Source of the current time.

    Raises:
        RunError: The run cannot be opened.
    """

    def __init__(self, key: str, path: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.key = key
        self.reader = RunReader(path, clock=clock)
        self.header: Header = self.reader.header
        self.clock = clock
        self.lock = threading.RLock()
        self.version = 0
        self.read_error = ""
        self.used = self.refreshed = clock.monotonic()
        self._cache: dict[str, tuple[int, Any]] = {}
        self._reading = 0
        self._begin()

    @property
    def path(self) -> Path:
        """Run folder."""
        return self.reader.path

    @property
    def nbytes(self) -> int:
        """Size of the columns in bytes."""
        return sum(columns.nbytes for columns in self.columns.values())

    @property
    def begun(self) -> float:
        """Start of the run (UTC, seconds): from the header, or the first record if it is earlier, as in a replay."""
        first = [float(columns.cells("time").values[0]) for columns in self.columns.values() if columns.rows]
        return min([self.header.started, *first])

    def refresh(self) -> None:
        """Read the new records. An error is stored in `read_error`, and the next refresh tries again."""
        with self.lock:
            before, self.refreshed = self.cursor(), self.clock.monotonic()
            try:
                self._read_columns()
                self._read_records()
            except (RunError, OSError) as error:  # do not disclose the absolute path
                self.read_error = str(error).replace(str(self.path), self.path.name)[:_LONGEST_ERROR]
                return
            self.read_error = ""
            if self.cursor() != before:
                self.version += 1

    def cursor(self) -> Cursor:
        """Return the current read position."""
        with self.lock:
            rows = {stream: columns.rows for stream, columns in self.columns.items()}
            return Cursor(self._reading, rows, self._event_count, self._evaluation_count)

    def delta_since(self, cursor: Cursor) -> Delta:
        """Return the records that were read since a cursor."""
        with self.lock:
            now = self.cursor()
            # A run that was closed and reopened restarts its count of readings, so compare the other counts too.
            fewer = any(now.rows[stream] < rows for stream, rows in cursor.rows.items()) or now.events < cursor.events
            if now.reading != cursor.reading or fewer or now.evaluations < cursor.evaluations:
                return Delta(dict.fromkeys(STREAMS, 0), [], 0, again=True)
            new = min(now.events - cursor.events, len(self.events))
            events = list(self.events)[len(self.events) - new :]
            return Delta(cursor.rows, events, now.evaluations - cursor.evaluations)

    def positions(self, stream: str, clock: str, start: int = 0) -> tuple[str, Floats]:
        """Return the positions of the rows of a stream on a clock.

        Args:
            stream: Name of the stream.
            clock: Requested clock.
            start: Index of the first row.

        Returns:
            Clock of the positions (`row` if the stream lacks the requested clock), and the positions, shape `(n,)`.
        """
        columns = self.columns[stream]
        if clock == "episode" and self.reward_source:  # there are no episodes to count
            clock = "env_step"
        if clock == "time":
            return clock, columns.numbers("time", start) - self.begun
        if clock == "env_step":
            for name in ("env_step", "step"):
                if columns.has(name):
                    return clock, columns.numbers(name, start)
        if clock == "episode" and columns.has("episode"):
            return clock, columns.numbers("episode", start)
        if clock == "update" and stream == "updates":
            return clock, np.arange(start + 1.0, columns.rows + 1.0)
        other = self.columns[{"episode": "episodes", "update": "updates"}.get(clock, stream)]
        if other is not columns and other.rows:
            # Count the records of the other stream by then. Times are almost sorted, so a bisection is good enough.
            counted = np.searchsorted(other.numbers("time"), columns.numbers("time", start), "right")
            return clock, counted.astype(np.float64)
        return "row", np.arange(start + 1.0, columns.rows + 1.0)

    def place(self, env_step: float | None, time: float) -> dict[str, float | None]:
        """Return the position of a moment on every clock.

        Args:
            env_step: Environment step, if known; it takes precedence over the time.
            time: Time (UTC, seconds).
        """
        episodes, updates = self.columns["episodes"], self.columns["updates"]
        found: dict[str, float | None] = {"env_step": env_step, "episode": None, "update": None}
        if env_step is not None and episodes.has("env_step") and episodes.rows:
            steps = np.maximum.accumulate(np.nan_to_num(episodes.numbers("env_step"), nan=0.0))
            row = min(int(np.searchsorted(steps, env_step)), episodes.rows - 1)
            time = float(episodes.numbers("time")[row])
            found["episode"] = _finite(float(episodes.numbers("episode")[row]))
        elif episodes.rows:
            row = min(int(np.searchsorted(episodes.numbers("time"), time)), episodes.rows - 1)
            found["episode"] = _finite(float(episodes.numbers("episode")[row]))
            if env_step is None and episodes.has("env_step"):
                found["env_step"] = _finite(float(episodes.numbers("env_step")[row]))
        if updates.rows:
            found["update"] = float(np.searchsorted(updates.numbers("time"), time, "right"))
        found["time"] = time - self.begun
        return found

    def cached(self, name: str, make: Callable[[], T]) -> T:
        """Return a result that is cached until the run gains records."""
        with self.lock:
            version, found = self._cache.get(name, (-1, None))
            if version == self.version:
                result: T = found
                return result
            version = self.version
        made = make()
        with self.lock:
            self._cache[name] = (version, made)
        return made

    def label(self, stream: str, field: str) -> list[str]:
        """Return the texts of a coded column, indexed by code."""
        return self._tails[stream].labels[field].texts

    def dicts(self, stream: str) -> list[str]:
        """Return the recorded fields of a stream whose values are dictionaries, such as `parameters`."""
        return sorted(self._tails[stream].dicts)

    def _begin(self) -> None:
        self._tails = {stream: Tail(self.reader.layout, stream) for stream in STREAMS}
        self.columns = {stream: Columns(self._tails[stream].names) for stream in STREAMS}
        self.events: collections.deque[Event] = collections.deque(maxlen=MOST_EVENTS)
        self.evaluations: collections.deque[Evaluation] = collections.deque(maxlen=MOST_EVALUATIONS)
        self._events = Follower(self.reader.layout, "events")
        self._evaluations = Follower(self.reader.layout, "evaluations")
        self._event_count = self._evaluation_count = self.finding_count = 0
        self.series: RewardSeries | None = None
        self._rewards = RewardFollower(self.reader)

    @property
    def reward_source(self) -> str:
        """Source of the rewards that replace missing episodes; empty for a run with episodes."""
        return "" if self.series is None else self.series.source

    @property
    def episodes(self) -> int:
        """Number of recorded episodes, without rows of rewards that replace missing episodes."""
        return 0 if self.reward_source else self.columns["episodes"].rows

    @property
    def records(self) -> tuple[int, ...]:
        """Number of rewards, updates and system samples."""
        return tuple(self.columns[stream].rows for stream in STREAMS)

    def _read_columns(self) -> None:
        header = self.reader.header
        is_replaced = header.started != self.header.started
        self.header = header
        if is_replaced or any(tail.broken(header) for tail in self._tails.values()):
            self._begin()
            self._reading += 1
            self._cache.clear()
        for stream, tail in self._tails.items():
            for batch in tail.read(self.header):
                if stream == "episodes" and self.series is not None and batch.rows:
                    self._replace_rewards(None)
                self.columns[stream].extend(batch.columns, batch.rows)
        if not self.episodes and (series := self._rewards.read(self.clock.monotonic())) is not None:
            self._take_rewards(series)
        if not self.path.is_dir():
            raise RunNotFoundError(f"there is no run at {self.path}")

    def _take_rewards(self, series: RewardSeries) -> None:
        """Use a reward series in place of the rewards of missing episodes."""
        if series.source != self.reward_source or series.values.size < self.columns["episodes"].rows:
            self._replace_rewards(series)
        self.series, rows = series, self.columns["episodes"].rows
        new = {
            name: Cells(column[rows:], np.isfinite(column[rows:]) | (name == "reward"))
            for name, column in (("time", series.times), ("env_step", series.steps), ("reward", series.values))
        }
        self.columns["episodes"].extend(new, series.values.size - rows)

    def _replace_rewards(self, series: RewardSeries | None) -> None:
        """Restart the episode columns, for a reward series or (`None`) for episodes."""
        if self.columns["episodes"].rows:
            self._reading += 1
            self._cache.clear()
        self.columns["episodes"] = Columns(self._tails["episodes"].names)
        self.series = series

    def _read_records(self) -> None:
        events = self._events.read()
        self.events.extend(events)
        self._event_count += len(events)
        self.finding_count += sum(event.kind == FINDING for event in events)
        evaluations = self._evaluations.read()
        self.evaluations.extend(evaluations)
        self._evaluation_count += len(evaluations)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
