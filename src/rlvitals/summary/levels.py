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
from rlvitals.runs.reward_series import RewardSeries
from rlvitals.stats.series.intervals import mean_interval, rate_interval

RECENT_EPISODES = 100
"""Episodes that a recent level is the mean of."""
LEVELS = ("reward", "quality_final", "quality_improvement", "length", "success")
"""The fields of an episode that have a recent level, in the order in which they are shown."""


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


def columns_of(episodes: Sequence[Episode]) -> dict[str, Column]:
    """The columns of episodes that levels are made of; missing values are masked."""
    found: dict[str, Column] = {}
    for name in LEVELS:
        values = [getattr(episode, name) for episode in episodes]
        found[name] = np.ma.array(
            [np.nan if value is None else float(value) for value in values], mask=[value is None for value in values]
        )
    return found


def levels_of(
    episodes: Mapping[str, Column],
    first: Mapping[str, Column] | None = None,
    *,
    series: RewardSeries | None = None,
    intervals: bool = True,
) -> dict[str, Level]:
    """Work out the recent levels of a run.

    Args:
        episodes: Columns of the last episodes, at least 100 if there are so many, in the order of time, shape `(n,)`;
            missing values are masked.
        first: Columns of the first episodes, likewise.
        series: What stands for the reward of a run that has no episodes.
        intervals: Whether the intervals are wanted, which take most of the time.

    Returns:
        The level of each of `LEVELS` that any of the last 100 episodes reported.
    """
    if series is not None:
        recent = np.ma.asarray(series.values)
        level = _level(recent[-series.recent :], recent[: series.recent], is_rate=False, intervals=intervals)
        return {} if level is None else {"reward": level}
    found = {
        name: _level(
            episodes[name][-RECENT_EPISODES:],
            None if first is None or name not in first else first[name][:RECENT_EPISODES],
            is_rate=name == "success",
            intervals=intervals,
        )
        for name in LEVELS
        if name in episodes
    }
    return {name: level for name, level in found.items() if level is not None}


def level_text(name: str, level: Level) -> str:
    """The mean of a level as people read it: with the values that it ignores, and of a rate who reported it."""
    if level.mean is None:
        return f"{ABSENT} ({count(level.not_finite)} not finite)"
    if name == "success":
        return reported_share(level.mean, level.reported, level.window)
    ignored = f" ({count(level.not_finite)} not finite)" if level.not_finite else ""
    return f"{format_value(metric_of('episodes', name), level.mean)}{ignored}"


def _level(recent: Column, first: Column | None, *, is_rate: bool, intervals: bool) -> Level | None:
    values = recent.compressed().astype(np.float64)
    if not values.size:
        return None
    low = high = None
    if intervals:
        interval = rate_interval(values, independent=True) if is_rate else mean_interval(values)
        low, high = _known(interval.low), _known(interval.high)
    return Level(
        mean=_mean(values),
        low=low,
        high=high,
        first=None if first is None else _mean(first.compressed().astype(np.float64)),
        not_finite=int(np.count_nonzero(~np.isfinite(values))),
        reported=values.size,
        window=recent.size,
    )


@np.errstate(over="ignore")  # the mean of the largest floats has no float
def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
