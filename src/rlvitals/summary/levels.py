"""The recent level of a quantity: its mean over the last 100 episodes, or its median for a custom objective.

This is its only definition. Every output takes the recent reward, success rate, quality, length and objectives from
here.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec
import numpy as np

from rlvitals.formatting import ABSENT, count, format_value, reported_share
from rlvitals.records import Episode
from rlvitals.records.attempt_rows import episode_value
from rlvitals.records.metrics import metric_of
from rlvitals.records.objectives import Objective
from rlvitals.runs.answer import Column
from rlvitals.runs.reward_series import Floats, RewardSeries
from rlvitals.stats.series.intervals import Interval, mean_interval, median_interval, rate_interval

RECENT_EPISODES = 100
"""Number of episodes that a recent level averages."""
LEVELS = ("reward", "quality_final", "quality_improvement", "length", "success")
"""Episode fields that have a recent level, in display order. Custom objectives follow them."""
Episodes = Mapping[str, Column] | Sequence[Episode]
"""Episodes as records, or as columns of shape `(n,)` in which missing values are masked."""
_NOTHING: Column = np.ma.array([])


class Level(msgspec.Struct, frozen=True):
    """Mean of a quantity over the last episodes. Non-finite values are ignored and counted.

    Attributes:
        mean: Mean of the finite values. `None` if there are none. For `success`, the success rate.
        low: Lower end of the 95 % interval of `center`. `None` without enough data or if no interval was requested.
        high: Upper end of the 95 % interval of `center`.
        first: The same average of the first `first_window` episodes. `None` if it is unknown.
        not_finite: Number of non-finite values.
        reported: Number of episodes that reported a value.
        window: Number of episodes in the window. If no episode was recorded, the number of values that replace the
            reward.
        median: Median of the finite values of a custom objective. Its values, such as file sizes, are often skewed, and
            a few large ones would determine their mean. `None` for other quantities.
        first_window: Number of episodes at the start, at most 100 and none of those in the window. 0 if unknown.
    """

    mean: float | None
    low: float | None
    high: float | None
    first: float | None
    not_finite: int
    reported: int
    window: int
    median: float | None = None
    first_window: int = 0

    @property
    def center(self) -> float | None:
        """The average that every output shows: the median if there is one, otherwise the mean."""
        return self.mean if self.median is None else self.median

    @property
    def average(self) -> str:
        """Name of that average."""
        return "mean" if self.median is None else "median"


def levels_of(
    episodes: Episodes,
    first: Episodes = (),
    *,
    total: int | None = None,
    objectives: Sequence[Objective] = (),
    series: RewardSeries | None = None,
    intervals: bool = True,
) -> dict[str, Level]:
    """Compute the recent levels of a run.

    Args:
        episodes: Last episodes by time, at least 100 if the run has that many.
        first: First episodes by time. Empty if they are unknown.
        total: Number of episodes of the run. By default, the number in `episodes`.
        objectives: Custom objectives of the run. Columns of episodes have their names.
        series: Reward series of a run without episodes.
        intervals: Whether to compute intervals, which take most of the time.

    Returns:
        Level of each quantity in `LEVELS`, and of each custom objective, that any of the last 100 episodes reported.
    """
    if series is not None:
        parts = _ends(series.recent, series.values.size)
        episodes, first = ({"reward": np.ma.asarray(series.values[part])} for part in parts)
    else:
        parts = _ends(RECENT_EPISODES, _size(episodes) if total is None else total)
        episodes, first = map(_part, (episodes, first), parts)
    found: dict[str, Level] = {}
    custom = {objective.name: objective for objective in objectives}
    for name in (*LEVELS, *custom):
        objective = custom.get(name)
        reported, window = _reported(episodes, name, objective)
        if not reported.size:
            continue
        earlier, first_window = _reported(first, name, objective)
        average = _mean if objective is None else _median
        low = high = None
        if intervals:
            interval = _interval_of(name, objective)(reported)
            low, high = _known(interval.low), _known(interval.high)
        found[name] = Level(
            mean=_mean(reported),
            low=low,
            high=high,
            first=average(earlier) if earlier.size else None,
            not_finite=int(np.count_nonzero(~np.isfinite(reported))),
            reported=reported.size,
            window=window,
            median=None if objective is None else _median(reported),
            first_window=first_window,
        )
    return found


def _interval_of(name: str, objective: Objective | None) -> Callable[[Floats], Interval]:
    if name == "success":
        return partial(rate_interval, independent=True)
    return mean_interval if objective is None else median_interval


def level_text(name: str, level: Level) -> str:
    """Format the average of a level, with the number of ignored values. A rate shows how many episodes reported it."""
    if level.center is None:
        return f"{ABSENT} ({count(level.not_finite)} non-finite)"
    if name == "success":
        return reported_share(level.center, level.reported, level.window)
    ignored = f" ({count(level.not_finite)} non-finite)" if level.not_finite else ""
    return f"{format_value(metric_of('episodes', name), level.center)}{ignored}"


def _ends(size: int, total: int) -> tuple[slice, slice]:
    """Return the slices of the last `size` values, and of at most as many first values that are not among them."""
    return slice(-size, None), slice(max(0, min(size, total - size)))


def _size(episodes: Episodes) -> int:
    if isinstance(episodes, Mapping):
        return max((column.size for column in episodes.values()), default=0)
    return len(episodes)


def _part(episodes: Episodes, part: slice) -> Episodes:
    if isinstance(episodes, Mapping):
        return {name: column[part] for name, column in episodes.items()}
    return episodes[part]


def _reported(episodes: Episodes, name: str, objective: Objective | None) -> tuple[Floats, int]:
    """Return the values that episodes reported, and the number of episodes."""
    if isinstance(episodes, Mapping):
        column = episodes.get(name, _NOTHING)
        return column.compressed().astype(np.float64), column.size
    values = [
        getattr(episode, name) if objective is None else episode_value(objective, episode.extra, episode.attempts)
        for episode in episodes
    ]
    return np.array([value for value in values if value is not None], dtype=np.float64), len(values)


@np.errstate(over="ignore")  # the mean of the largest floats overflows
def _mean(values: Floats) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None


def _median(values: Floats) -> float | None:
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else None


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
