"""Progress, speed and remaining time of a training. All outputs use this module, so that they agree."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.records import STREAM_OF, Record

STEPS: dict[str, tuple[str, ...]] = {
    "episodes": ("env_step",),
    "updates": ("env_step", "step"),
    "evaluations": ("env_step",),
    "system": ("env_step",),
    "scalars": ("env_step",),
}
"""Fields of each stream that hold the environment step, by priority. Events can refer to the past and are left out, and
the `step` of scalars is a custom clock."""

LEAST_SPAN_S = 60.0
MOST_SPAN_S = 600.0
_SHARE = 0.1
_SHORTEST_S = 1.0
"""Minimum duration for a speed, in seconds. Records written in one burst do not measure the training speed."""
_TIMED = ("episodes", "updates")
"""Streams that are written during training. Evaluations can be made long afterwards. Scalars are used if neither stream
exists."""

Floats = NDArray[np.float64]
Spans = Sequence[tuple[float, float]]


class _Moment(NamedTuple):
    time: float
    step: float


def step_of(record: Record) -> int | None:
    """Return the environment step of a record, or `None` if it has none."""
    names = STEPS.get(STREAM_OF[type(record)], ())
    return next((step for name in names if (step := getattr(record, name)) is not None), None)


def furthest_of(*said: float | None) -> int | None:
    """Return the highest of several steps, or `None` without any."""
    return max((int(step) for step in said if step is not None and np.isfinite(step)), default=None)


def first_said(first: Floats, *others: Floats) -> Floats:
    """Merge alternative steps of records: the first value that is not NaN. All arrays have shape `(n,)`."""
    for other in others:
        first = np.where(np.isnan(first), other, first)
    return first


def share_of(goal: float | None, furthest: float | None) -> float | None:
    """Return the completed share of the goal, or `None` if it is unknown.

    At most 1, because the last rollout can overshoot.
    """
    return min(1.0, furthest / goal) if goal and goal > 0 and furthest is not None else None


def seconds_left(goal: float | None, furthest: float | None, speed: float | None, *, is_open: bool) -> float | None:
    """Return the remaining seconds at a given (recent) speed, or `None` if they are unknown."""
    share = share_of(goal, furthest)
    if not is_open or not speed or goal is None or furthest is None or share is None or share >= 1.0:
        return None
    return (goal - furthest) / speed


def seconds_between(begin: float, end: float, away: Spans = ()) -> float:
    """Return the seconds from one time to another, without periods in which the run was not open."""
    gone = sum(max(0.0, min(until, end) - max(since, begin)) for since, until in away)
    return end - begin - gone


class Throughput:
    """Environment step throughput of a run, updated from records in one or more batches. Memory use is bounded.

    Periods between sessions, in which the run was not open, do not count (`away`: pairs of start and end).
    """

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def take(self, stream: str, times: Floats, steps: Floats) -> None:
        """Add records of a stream, in order.

        Args:
            stream: Name of the stream.
            times: Time of each record (UTC, seconds since 1970), shape `(n,)`.
            steps: Environment step of each record, shape `(n,)`. NaN if missing.
        """
        said = np.isfinite(times) & np.isfinite(steps)
        if said.any():
            self._tracks.setdefault(stream, _Track()).take(times[said], steps[said])

    def take_records(self, stream: str, records: Iterable[Record]) -> None:
        """Add records of a stream, in order."""
        pairs = [(record.time, step) for record in records if (step := step_of(record)) is not None]
        if pairs:
            times, steps = np.asarray(pairs, dtype=np.float64).T
            self.take(stream, times, steps)

    @property
    def furthest(self) -> int | None:
        """Highest environment step, or `None` if no record has one."""
        return furthest_of(*(track.furthest.step for track in self._tracks.values()))

    def span(self, away: Spans = ()) -> float:
        """Return the seconds from the first record with a step until every stream has reached its highest step.

        Args:
            away: Periods in which the run was not open, as pairs of start and end. They do not count.
        """
        tracks = self._timed()
        return seconds_between(_begin(tracks).time, _end(tracks).time, away) if tracks else 0.0

    def overall(self, away: Spans = ()) -> float | None:
        """Return the average steps per second over the time that `span` measures.

        Time before the first record and after the last step (setup, evaluation, waiting) does not count.

        Args:
            away: Periods in which the run was not open, as pairs of start and end.

        Returns:
            Steps per second. `None` if the records cover less than a second.
        """
        tracks = self._timed()
        return _rate(_begin(tracks), _end(tracks), away) if tracks else None

    def recent(self, away: Spans = (), *, is_open: bool = False) -> float | None:
        """Return the steps per second over the last tenth of the run, at least one and at most ten minutes.

        This window covers whole rollouts with their updates. A shorter one could cover only a part of either.

        Args:
            away: Periods in which the run was not open, as pairs of start and end.
            is_open: Whether the run is still open. If so, the window ends at the newest record, and the speed of a
                stalled training falls.

        Returns:
            Steps per second. `None` if the records cover less than a second.
        """
        tracks = self._timed()
        if not tracks:
            return None
        begin, end = _begin(tracks), _end(tracks)
        if is_open:
            end = end._replace(time=max(track.newest for track in tracks))
        spans = min(MOST_SPAN_S, max(LEAST_SPAN_S, _SHARE * (end.time - begin.time)))
        times = np.concatenate([track.times for track in tracks])
        order = times.argsort(kind="stable")
        place = int(np.searchsorted(times[order], end.time - spans, "right")) - 1
        if place >= 0:
            steps = np.concatenate([track.steps for track in tracks])[order]
            begin = _Moment(float(times[order][place]), float(steps[: place + 1].max()))
        return _rate(begin, end, away)

    def _timed(self) -> list["_Track"]:
        found = [self._tracks[stream] for stream in _TIMED if stream in self._tracks]
        if not found and "scalars" in self._tracks:
            found = [self._tracks["scalars"]]
        system = self._tracks.get("system")
        if system is None:
            return found
        # The samples of a replayed training have the time of the replay.
        if found and (
            system.first.time > max(track.newest for track in found) + MOST_SPAN_S
            or system.newest < _begin(found).time - MOST_SPAN_S
        ):
            return found
        return [*found, system]


class _Track:
    """Steps of one stream: the first, the highest, and those within ten minutes of the highest."""

    def __init__(self) -> None:
        self.first = _Moment(np.inf, 0.0)
        self.furthest = _Moment(-np.inf, -np.inf)
        self.newest = -np.inf
        self.times = np.empty(0)
        self.steps = np.empty(0)

    def take(self, times: Floats, steps: Floats) -> None:
        earliest, highest = int(times.argmin()), int(steps.argmax())
        self.first = min(self.first, _Moment(float(times[earliest]), float(steps[earliest])), key=lambda at: at.time)
        if steps[highest] > self.furthest.step:
            self.furthest = _Moment(float(times[highest]), float(steps[highest]))
        self.newest = max(self.newest, float(times.max()))
        times, steps = np.concatenate([self.times, times]), np.concatenate([self.steps, steps])
        order = times.argsort(kind="stable")
        times, steps = times[order], steps[order]
        # Keep one record at or before the start of the window as its left edge.
        start = max(0, int(np.searchsorted(times, self.furthest.time - MOST_SPAN_S, "right")) - 1)
        end = int(np.searchsorted(times, self.furthest.time + MOST_SPAN_S, "right"))
        times, steps = times[start:end], steps[start:end]
        # Keep the last record of each second, which bounds the memory.
        kept = np.append(np.floor(times[1:]) != np.floor(times[:-1]), [True])[: times.size]
        self.times, self.steps = times[kept], steps[kept]


def _begin(tracks: list[_Track]) -> _Moment:
    return min((track.first for track in tracks), key=lambda at: at.time)


def _end(tracks: list[_Track]) -> _Moment:
    """Return the highest step and the time at which the last stream reached its own.

    Updates are recorded after they end.
    """
    return _Moment(
        max(track.furthest.time for track in tracks),
        max(track.furthest.step for track in tracks),
    )


def _rate(begin: _Moment, end: _Moment, away: Spans) -> float | None:
    seconds = seconds_between(begin.time, end.time, away)
    return max(0.0, end.step - begin.step) / seconds if seconds >= _SHORTEST_S else None
