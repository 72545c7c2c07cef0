"""Dashboard curves of the latest episodes, with the keys of the public interface."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rlvitals.records import Episode
from rlvitals.stats.series.averages import windowed_average

SUCCESS_WINDOW = 100
"""Number of episodes per point of the success rate timeline."""
_RECENT = 10

Pairs = list[list[float]]


def charts(episodes: Sequence[Episode]) -> dict[str, Pairs]:
    """Return the curves of the latest episodes.

    Args:
        episodes: Episodes, oldest first.

    Returns:
        `episode_rewards`, `quality_improvements`, `episode_lengths` and `success_rate_timeline`, each a list of pairs
        of episode number and value. The success rate covers the last 100 episodes up to each point, without episodes
        that did not report success. Missing values have no pair. NaN and infinities do.
    """
    return {
        "episode_rewards": _pairs(episodes, lambda episode: episode.reward),
        "quality_improvements": _pairs(episodes, lambda episode: episode.quality_improvement),
        "episode_lengths": _pairs(episodes, lambda episode: episode.length),
        "success_rate_timeline": _success_rates(episodes),
    }


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # overflowing values are data here
def algorithm_metrics(recent: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Return the latest value of each update metric, and the mean of the finite values among the last ten.

    Args:
        recent: Values by metric, oldest first. Each list has at least one value.
    """
    return {name: {"latest": values[-1], "recent_avg": _mean(values[-_RECENT:])} for name, values in recent.items()}


def _pairs(episodes: Sequence[Episode], value: Callable[[Episode], float | None]) -> Pairs:
    said = [(episode.episode, value(episode)) for episode in episodes]
    return [[number, height] for number, height in said if height is not None]


def _success_rates(episodes: Sequence[Episode]) -> Pairs:
    said = [math.nan if episode.success is None else float(episode.success) for episode in episodes]
    rates = windowed_average(said, SUCCESS_WINDOW)
    return [
        [episode.episode, float(rate)] for episode, rate in zip(episodes, rates, strict=True) if not math.isnan(rate)
    ]


def _mean(values: Sequence[float]) -> float:
    sample = np.asarray(values, dtype=np.float64)
    sample = sample[np.isfinite(sample)]
    return float(sample.mean()) if sample.size else math.nan
