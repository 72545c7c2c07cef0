"""Whether a training has come to rest, in the keys of the public interface."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvitals.analysis.averages import windowed_average
from rlvitals.analysis.changepoints import change_points
from rlvitals.analysis.convergence import Convergence, convergence
from rlvitals.analysis.trend import Trend, trend
from rlvitals.records import Episode

FEWEST_EPISODES = 10
RUNNING_MEAN = 10
"""Episodes in the running means."""
_AT_REST = ("converged", "flat")


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what overflows is data here
def convergence_analysis(episodes: Sequence[Episode]) -> dict[str, Any]:
    """Trends, stability and convergence of the episodes in a window.

    Args:
        episodes: The episodes, oldest first.

    Returns:
        The keys of `docs/reference/api.md`; with fewer than 10 episodes a `message`. Trends are `improving`, `stable`,
        `declining` or `not enough data` (`rlvitals.analysis.trend`: their verdicts hold under autocorrelation, and do
        not change when rewards are scaled or shifted); slopes are per episode, with a 95 % interval beside them.
        `stable` says that the reward is proven to be at rest (`rlvitals.analysis.convergence`).
    """
    if len(episodes) < FEWEST_EPISODES:
        return {"message": f"not enough data: {len(episodes)} episodes, and {FEWEST_EPISODES} are needed"}
    rewards = _column(episodes, "reward")
    qualities = _column(episodes, "quality_improvement")
    numbers = np.array([float(episode.episode) for episode in episodes])
    reward, quality = trend(rewards), trend(qualities)
    changes = change_points(rewards, numbers)
    rest = convergence(rewards, numbers, known_changes=changes)
    return {
        "convergence_status": {
            "reward_trend": reward.verdict,
            "quality_trend": quality.verdict,
            "reward_slope": reward.slope,
            "quality_slope": quality.slope,
            "reward_slope_interval": [reward.slope_low, reward.slope_high],
            "quality_slope_interval": [quality.slope_low, quality.slope_high],
            "reward_change": _change(reward),
            "quality_change": _change(quality),
        },
        "stability_metrics": {
            "reward_variance": _variance(rewards),
            "quality_variance": _variance(qualities),
            "stable": rest.status in _AT_REST,
        },
        "recent_performance": {
            "episodes_analyzed": len(episodes),
            "avg_reward": _mean(rewards),
            "avg_quality": _mean(qualities),
            "reward_ma_latest": _latest(rewards),
            "quality_ma_latest": _latest(qualities),
        },
        "convergence": _plain(rest),
        "changes": {
            "learning_began": _number(changes.started),
            "peak": _number(changes.peak),
            "regressed": _number(changes.regressed),
            "episodes": [change.position for change in changes.changes],
        },
    }


def _column(episodes: Sequence[Episode], name: str) -> NDArray[np.float64]:
    said = [getattr(episode, name) for episode in episodes]
    return np.array([math.nan if value is None else value for value in said], dtype=np.float64)


def _plain(rest: Convergence) -> dict[str, Any]:
    return {
        "status": rest.status,
        "since_episode": _number(rest.since),
        "level": _number(rest.level.estimate),
        "level_interval": [_number(rest.level.low), _number(rest.level.high)],
        "below_best": _number(rest.below_best),
        "stability": _number(rest.stability),
    }


def _change(found: Trend) -> dict[str, float | None]:
    """By how much the fitted line moves over the window, and how much that is in units of the noise."""
    return {
        "estimate": found.change,
        "low": found.change_low,
        "high": found.change_high,
        "in_noise": found.in_noise,
    }


def _number(value: float) -> float | None:
    """What has no value is `None`: NaN would say that it was measured."""
    return None if math.isnan(value) else value


def _mean(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else math.nan


def _variance(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    with np.errstate(over="ignore"):
        return float(finite.var()) if finite.size else math.nan


def _latest(values: NDArray[np.float64]) -> float:
    return float(windowed_average(values, RUNNING_MEAN)[-1])
