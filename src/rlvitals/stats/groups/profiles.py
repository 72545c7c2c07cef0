"""Scores of many runs on one or more tasks: performance profile, optimality gap, improvement over tasks."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.groups.effect_size import probability_of_improvement
from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.run_intervals import finite, mean_over_tasks
from rlvitals.stats.series.intervals import wilson_interval


class Profile(NamedTuple):
    """Share of the runs that score above each threshold.

    Attributes:
        thresholds: Scores, shape `(k,)`.
        shares: Share of the runs above each, the mean over tasks, 0 to 1.
        low: Lower end of its interval, at each threshold for itself.
        high: Upper end.
    """

    thresholds: NDArray[np.float64]
    shares: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def normalised(scores: ArrayLike, zero: float, one: float) -> NDArray[np.float64]:
    """Scores between two references: `(x - zero) / (one - zero)`, such as a random policy and a known good one.

    Raises:
        ValueError: The references are the same, or not finite.
    """
    if not (math.isfinite(zero) and math.isfinite(one) and zero != one):
        raise ValueError(f"references {zero!r} and {one!r}: two different finite scores are needed, for 0 and for 1")
    return (np.asarray(scores, dtype=np.float64) - zero) / (one - zero)


def performance_profile(scores: Sequence[ArrayLike], thresholds: ArrayLike, *, confidence: float = 0.95) -> Profile:
    """Share of runs that score more than each threshold (Agarwal et al. 2021, NeurIPS: score distributions).

    The mean over tasks of the share of each task's runs. The interval is Wilson's, with all runs as its trials: on the
    safe side where tasks differ (Hoeffding 1956, Annals of Mathematical Statistics 27).

    Args:
        scores: For each task the scores of its runs; -infinity for a run that has none, NaN is left out.
        thresholds: Shape `(k,)`.
        confidence: Two-sided, at each threshold for itself.
    """
    tasks = [task[~np.isnan(task)] for task in (np.asarray(given, dtype=np.float64).ravel() for given in scores)]
    tasks = [task for task in tasks if task.size]
    places = np.asarray(thresholds, dtype=np.float64).ravel()
    if not tasks:
        nothing = np.full(places.size, np.nan)
        return Profile(places, nothing, nothing, nothing)
    shares = np.mean([(task[None, :] > places[:, None]).mean(axis=1) for task in tasks], axis=0)
    trials = min(task.size for task in tasks) * len(tasks)
    found = [wilson_interval(float(share) * trials, trials, confidence=confidence) for share in shares]
    return Profile(places, shares, np.array([one.low for one in found]), np.array([one.high for one in found]))


def optimality_gap(
    scores: Sequence[ArrayLike], generator: np.random.Generator, *, gamma: float = 1.0, confidence: float = 0.95
) -> PairedEffect:
    """How far runs fall short of a score: the mean of `max(gamma - x, 0)` (Agarwal et al. 2021). Less is better.

    Args:
        scores: For each task the normalised scores of its runs; those that are not finite are left out.
        generator: Draws resamples.
        gamma: The score that is as good as any above it.
        confidence: Two-sided.
    """
    return mean_over_tasks([np.maximum(gamma - finite(task), 0.0) for task in scores], generator, confidence=confidence)


def improvement_over_tasks(
    first: Sequence[ArrayLike], second: Sequence[ArrayLike], *, confidence: float = 0.95
) -> PairedEffect:
    """Chance that a run of the first group is better than one of the second on the same task, the mean over tasks.

    One task: `effect_size.probability_of_improvement`. Several: the half-widths of the tasks' intervals on either side
    are put together as independent errors (Zou and Donner 2008, Statistics in Medicine 27).

    Raises:
        ValueError: The groups have different numbers of tasks.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} tasks against {len(second)}: give the scores of the same tasks")
    found = [probability_of_improvement(a, b, confidence=confidence) for a, b in zip(first, second, strict=True)]
    if not found:
        return PairedEffect(math.nan, math.nan, math.nan)
    estimate = float(np.mean([one.estimate for one in found]))
    below = math.sqrt(sum((one.estimate - one.low) ** 2 for one in found)) / len(found)
    above = math.sqrt(sum((one.high - one.estimate) ** 2 for one in found)) / len(found)
    return PairedEffect(estimate, estimate - below, estimate + above)
