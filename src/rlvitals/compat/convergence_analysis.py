"""Whether a training has come to rest, in the keys of the public interface."""

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
"""Episodes in the running means."""


class Courses(NamedTuple):
    """What the reward and the quality of a whole run did.

    Attributes:
        numbers: Number of each episode, shape `(n,)`.
        reward: Course of the reward; `None` without episodes.
        quality: Course of the quality improvement; of nothing where none was reported.
    """

    numbers: NDArray[np.float64]
    reward: Course
    quality: Course


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what overflows is data here
def courses_of(numbers: ArrayLike, rewards: ArrayLike, qualities: ArrayLike) -> Courses:
    """Work out what the reward and the quality of a whole run did.

    Args:
        numbers: Number of each episode, shape `(n,)`.
        rewards: Reward of each.
        qualities: Quality improvement of each; NaN where it was not reported.
    """
    return Courses(np.asarray(numbers, dtype=np.float64), course(rewards), course(qualities))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what overflows is data here
def convergence_analysis(episodes: Sequence[Episode], found: Courses) -> dict[str, Any]:
    """Trends, stability and convergence, in the keys of the public interface.

    Args:
        episodes: The episodes of the window, oldest first.
        found: What the whole run did.

    Returns:
        The keys of `docs/reference/api.md`; with fewer than 10 episodes a `message`. Trends are those of the recent
        episodes (the last quarter of the run, at least 100 and at most 1,000: `trend_episodes`): `improving`, `stable`,
        `declining` or `not enough data`; slopes are per episode, with a 95 % interval. `convergence` and `changes` are
        about the whole run, and `stable` says that its reward is shown to be level (`rlvitals.stats.series.course`).
    """
    if len(episodes) < FEWEST_EPISODES:
        return {"message": f"not enough data: {len(episodes)} episodes, and {FEWEST_EPISODES} are needed"}
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
    """A field of episodes, shape `(n,)`; NaN where it was not reported."""
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
    """The number of the episode at a position; `None` where there is none."""
    return None if math.isnan(position) else float(found.numbers[int(position)])


def _change(found: Trend) -> dict[str, float | None]:
    """By how much the fitted line moves over the window, and how much that is in units of the noise."""
    return {
        "estimate": found.change,
        "low": found.change_low,
        "high": found.change_high,
        "effect_size": found.effect_size,
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
