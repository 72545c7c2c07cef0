"""Convergence of a training, with the keys of the public interface."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.records import Episode
from rlvitals.stats.series.averages import windowed_average
from rlvitals.stats.series.course import Course, course
from rlvitals.stats.series.trend import Trend

FEWEST_EPISODES = 10
RUNNING_MEAN = 10
"""Number of episodes in a running mean."""


class Courses(NamedTuple):
    """Trends of reward and quality over a whole run.

    Attributes:
        numbers: Number of each episode, shape `(n,)`.
        reward: Trend and convergence of the reward.
        quality: Trend and convergence of the quality improvement. Without values if no episode reported any.
    """

    numbers: NDArray[np.float64]
    reward: Course
    quality: Course


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # overflowing values are data here
def courses_of(numbers: ArrayLike, rewards: ArrayLike, qualities: ArrayLike) -> Courses:
    """Analyse reward and quality over a whole run.

    Args:
        numbers: Number of each episode, shape `(n,)`.
        rewards: Reward of each episode, shape `(n,)`.
        qualities: Quality improvement of each episode, shape `(n,)`. NaN if missing.
    """
    return Courses(np.asarray(numbers, dtype=np.float64), course(rewards), course(qualities))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # overflowing values are data here
def convergence_analysis(episodes: Sequence[Episode], found: Courses) -> dict[str, Any]:
    """Return trends, stability and convergence, with the keys of the public interface.

    Args:
        episodes: Episodes of the window, oldest first.
        found: Analysis of the whole run.

    Returns:
        The keys of `docs/reference/api.md`, or a `message` with fewer than 10 episodes. Trends cover the recent
        episodes (the last quarter of the run, at least 100 and at most 1,000: `trend_episodes`) and are `improving`,
        `stable`, `declining` or `not enough data`. Slopes are per episode, with a 95 % confidence interval.
        `convergence` and `changes` cover the whole run, and `stable` means that the reward has converged
        (`rlvitals.stats.series.course`).
    """
    if len(episodes) < FEWEST_EPISODES:
        return {"message": f"not enough data: {len(episodes)} episodes, and at least {FEWEST_EPISODES} are needed"}
    rewards = column_of(episodes, "reward")
    qualities = column_of(episodes, "quality_improvement")
    went, reward, quality, changes = found.reward, found.reward.recent, found.quality.recent, found.reward.changes
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
            "trend_episodes": went.recent_values,
        },
        "stability_metrics": {
            "reward_variance": _variance(rewards),
            "quality_variance": _variance(qualities),
            "stable": went.has_converged,
        },
        "recent_performance": {
            "episodes_analyzed": len(episodes),
            "avg_reward": _mean(rewards),
            "avg_quality": _mean(qualities),
            "reward_ma_latest": _latest(rewards),
            "quality_ma_latest": _latest(qualities),
        },
        "convergence": _plain(found),
        "changes": {
            "learning_began": _episode(found, changes.started),
            "peak": _episode(found, changes.peak),
            "regressed": _episode(found, changes.regressed),
            "episodes": [_episode(found, change.position) for change in changes.changes],
        },
    }


def column_of(episodes: Sequence[Episode], name: str) -> NDArray[np.float64]:
    """Return a field of episodes, shape `(n,)`. NaN if missing."""
    said = [getattr(episode, name) for episode in episodes]
    return np.array([math.nan if value is None else value for value in said], dtype=np.float64)


def _plain(found: Courses) -> dict[str, Any]:
    went, settled = found.reward, found.reward.convergence
    return {
        "status": went.status,
        "since_episode": _episode(found, settled.since) if went.has_converged else None,
        "level": _number(settled.level.estimate),
        "level_interval": [_number(settled.level.low), _number(settled.level.high)],
        "below_best": _number(settled.below_best),
        "stability": _number(settled.stability),
    }


def _episode(found: Courses, position: float) -> float | None:
    """Return the number of the episode at a position, or `None` without a position."""
    return None if math.isnan(position) else float(found.numbers[int(position)])


def _change(found: Trend) -> dict[str, float | None]:
    """Return the change of the fitted line over the window, and its effect size (in units of the noise)."""
    return {
        "estimate": found.change,
        "low": found.change_low,
        "high": found.change_high,
        "effect_size": found.effect_size,
    }


def _number(value: float) -> float | None:
    """Return a number, or `None` for NaN: a missing value is `None`, while NaN means a measured value."""
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
