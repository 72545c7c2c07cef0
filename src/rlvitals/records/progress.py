"""How far a training is, how fast it goes and what is left: worked out here alone, so that all who tell it agree."""

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
"""The fields of each stream that say the environment step, the first that is there. Events speak of moments that may be
long past; the `step` of scalars is a clock of the user's own."""

LEAST_SPAN_S = 60.0
MOST_SPAN_S = 600.0
_SHARE = 0.1
_SHORTEST_S = 1.0
"""Records that were written in one burst say nothing of how fast a training goes."""
_TIMED = ("episodes", "updates")
"""What is written as the training goes on: an evaluation may be made long after it.
Scalars count where neither is there."""

Floats = NDArray[np.float64]
Spans = Sequence[tuple[float, float]]


class _Moment(NamedTuple):
    time: float
    step: float


def step_of(record: Record) -> int | None:
    """The environment step that a record says; `None` if it says none."""
    names = STEPS.get(STREAM_OF[type(record)], ())
    return next((step for name in names if (step := getattr(record, name)) is not None), None)


def furthest_of(*said: float | None) -> int | None:
    """The furthest of some steps; `None` if there is none."""
    return max((int(step) for step in said if step is not None and np.isfinite(step)), default=None)


def first_said(first: Floats, *others: Floats) -> Floats:
    """The steps of records of which several fields may say one: the first that is not NaN, each of shape `(n,)`."""
    for other in others:
        first = np.where(np.isnan(first), other, first)
    return first


def share_of(goal: float | None, furthest: float | None) -> float | None:
    """The share of the goal that is done, at most 1: the last rollout may go beyond it. `None` if it is not known."""
    return min(1.0, furthest / goal) if goal and goal > 0 and furthest is not None else None


def seconds_left(goal: float | None, furthest: float | None, speed: float | None, *, is_open: bool) -> float | None:
    """Seconds that the rest takes at a speed, which should be that of late; `None` if that cannot be said."""
    share = share_of(goal, furthest)
    if not is_open or not speed or goal is None or furthest is None or share is None or share >= 1.0:
        return None
    return (goal - furthest) / speed


def seconds_between(begin: float, end: float, away: Spans = ()) -> float:
    """Compute the seconds from one moment to another without those that the run was not open."""
    gone = sum(max(0.0, min(until, end) - max(since, begin)) for since, until in away)
    return end - begin - gone


class Throughput:
    """Takes the environment steps of a run's records, at once or as they come, and holds a bounded number of them.

    Time that the run was not open, between two of its sessions, does not count (`away`: from when to when).
    """

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def take(self, stream: str, times: Floats, steps: Floats) -> None:
        """Take in records of a stream, in their order.

        Args:
            stream: The stream.
            times: When each was (UTC, seconds), shape `(n,)`.
            steps: The environment step that each says, shape `(n,)`, NaN where it says none.
        """
        said = np.isfinite(times) & np.isfinite(steps)
        if said.any():
            self._tracks.setdefault(stream, _Track()).take(times[said], steps[said])

    def take_records(self, stream: str, records: Iterable[Record]) -> None:
        """Take in records of a stream, in their order."""
        pairs = [(record.time, step) for record in records if (step := step_of(record)) is not None]
        if pairs:
            times, steps = np.asarray(pairs, dtype=np.float64).T
            self.take(stream, times, steps)

    @property
    def furthest(self) -> int | None:
        """The furthest environment step; `None` if none was said."""
        return furthest_of(*(track.furthest.step for track in self._tracks.values()))

    def span(self, away: Spans = ()) -> float:
        """Seconds that the records cover: from the first that has a step to when the furthest was reached.

        Args:
            away: From when to when the run was not open; that time does not count.
        """
        tracks = self._timed()
        return seconds_between(_begin(tracks).time, _end(tracks).time, away) if tracks else 0.0

    def overall(self, away: Spans = ()) -> float | None:
        """Steps a second from the first record that says a step to when the furthest was reached.

        What came before the first record and after the last step (setting up, evaluating, waiting) is not in it.

        Returns:
            `None` if that is less than a second.
        """
        tracks = self._timed()
        return _rate(_begin(tracks), _end(tracks), away) if tracks else None

    def recent(self, away: Spans = (), *, is_open: bool = False) -> float | None:
        """Steps a second over the last tenth of that time, but not less than a minute, nor more than ten.

        So long that it holds whole rollouts with their updates, where a single sample may fall into either.

        Args:
            away: As for `overall`.
            is_open: Whether the run goes on: then it is up to the newest record, and a training that stands still slows
                down.

        Returns:
            `None` if that is less than a second.
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
    """The steps of one stream: the first, the furthest, and those of the last ten minutes before that."""

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
        # One at or before the span is kept, from which it begins.
        start = max(0, int(np.searchsorted(times, self.furthest.time - MOST_SPAN_S, "right")) - 1)
        end = int(np.searchsorted(times, self.furthest.time + MOST_SPAN_S, "right"))
        times, steps = times[start:end], steps[start:end]
        # One a second, the last, however fast they come.
        kept = np.append(np.floor(times[1:]) != np.floor(times[:-1]), [True])[: times.size]
        self.times, self.steps = times[kept], steps[kept]


def _begin(tracks: list[_Track]) -> _Moment:
    return min((track.first for track in tracks), key=lambda at: at.time)


def _end(tracks: list[_Track]) -> _Moment:
    """The furthest step, and when the last stream was as far as it went: an update is recorded once it is made."""
    return _Moment(
        max(track.furthest.time for track in tracks),
        max(track.furthest.step for track in tracks),
    )


def _rate(begin: _Moment, end: _Moment, away: Spans) -> float | None:
    seconds = seconds_between(begin.time, end.time, away)
    return max(0.0, end.step - begin.step) / seconds if seconds >= _SHORTEST_S else None
