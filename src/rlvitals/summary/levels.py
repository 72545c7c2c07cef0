"""The recent level of a quantity: its mean over the last 100 episodes.

This is the one place that defines it: every output takes the recent reward, success rate, quality and length from here.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from rlvitals.formatting import ABSENT, count, format_value, reported_share
from rlvitals.records import Episode
from rlvitals.records.metrics import metric_of
from rlvitals.runs.answer import Column
from rlvitals.runs.reward_series import Floats, RewardSeries
from rlvitals.stats.series.intervals import mean_interval, rate_interval

RECENT_EPISODES = 100
"""Episodes that a recent level is the mean of."""
LEVELS = ("reward", "quality_final", "quality_improvement", "length", "success")
"""The fields of an episode that have a recent level, in the order in which they are shown."""
Episodes = Mapping[str, Column] | Sequence[Episode]
"""Episodes as records, or as columns of shape `(n,)` in which missing values are masked."""
_NOTHING: Column = np.ma.array([])


class Level(msgspec.Struct, frozen=True):
    """The mean of a quantity over the last episodes. It ignores values that are not finite, and counts them.

    Attributes:
        mean: Of the finite values; `None` if there are none. Of `success`, the success rate.
        low: Lower end of the mean's 95 % interval; `None` where there is too little data, or none was asked for.
        high: Upper end.
        first: Mean of the first 100 episodes, likewise; `None` where it is not known.
        not_finite: Values that are not finite.
        reported: Episodes that reported a value.
        window: Episodes in the window; where no episode was recorded, values of what stands for the reward.
    """

    mean: float | None
    low: float | None
    high: float | None
    first: float | None
    not_finite: int
    reported: int
    window: int


def levels_of(
    episodes: Episodes,
    first: Episodes = (),
    *,
    series: RewardSeries | None = None,
    intervals: bool = True,
) -> dict[str, Level]:
    """Work out the recent levels of a run.

    Args:
        episodes: The last episodes, at least 100 if there are so many, in the order of time.
        first: The first episodes, likewise; none if they are not known.
        series: What stands for the reward of a run that has no episodes.
        intervals: Whether the intervals are wanted, which take most of the time.

    Returns:
        The level of each of `LEVELS` that any of the last 100 episodes reported.
    """
    if series is not None:
        episodes, first = ({"reward": np.ma.asarray(series.values[part])} for part in _ends(series.recent))
    else:
        episodes, first = map(_part, (episodes, first), _ends(RECENT_EPISODES))
    found: dict[str, Level] = {}
    for name in LEVELS:
        reported, window = _reported(episodes, name)
        if not reported.size:
            continue
        low = high = None
        if intervals:
            is_rate = name == "success"
            interval = rate_interval(reported, independent=True) if is_rate else mean_interval(reported)
            low, high = _known(interval.low), _known(interval.high)
        found[name] = Level(
            mean=_mean(reported),
            low=low,
            high=high,
            first=_mean(_reported(first, name)[0]) if first else None,
            not_finite=int(np.count_nonzero(~np.isfinite(reported))),
            reported=reported.size,
            window=window,
        )
    return found


def level_text(name: str, level: Level) -> str:
    """The mean of a level as people read it: with the values that it ignores, and of a rate who reported it."""
    if level.mean is None:
        return f"{ABSENT} ({count(level.not_finite)} not finite)"
    if name == "success":
        return reported_share(level.mean, level.reported, level.window)
    ignored = f" ({count(level.not_finite)} not finite)" if level.not_finite else ""
    return f"{format_value(metric_of('episodes', name), level.mean)}{ignored}"


def _ends(size: int) -> tuple[slice, slice]:
    """Return the slices of the last and of the first values."""
    return slice(-size, None), slice(size)


def _part(episodes: Episodes, part: slice) -> Episodes:
    if isinstance(episodes, Mapping):
        return {name: episodes[name][part] for name in LEVELS if name in episodes}
    return episodes[part]


def _reported(episodes: Episodes, name: str) -> tuple[Floats, int]:
    """Return the values that episodes reported, and the number of episodes."""
    if isinstance(episodes, Mapping):
        column = episodes.get(name, _NOTHING)
        return column.compressed().astype(np.float64), column.size
    values = [getattr(episode, name) for episode in episodes]
    return np.array([value for value in values if value is not None], dtype=np.float64), len(values)


@np.errstate(over="ignore")  # the mean of the largest floats has no float
def _mean(values: Floats) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
