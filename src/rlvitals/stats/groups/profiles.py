"""Scores of runs on one or more tasks: performance profile, optimality gap, probability of improvement."""

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
    """Performance profile: the share of runs that score above each threshold.

    Attributes:
        thresholds: Score thresholds, shape `(k,)`.
        shares: Share of runs above each threshold, averaged over tasks, 0 to 1, shape `(k,)`.
        low: Lower end of the pointwise confidence interval of each share, shape `(k,)`.
        high: Upper end of the pointwise confidence interval of each share, shape `(k,)`.
    """

    thresholds: NDArray[np.float64]
    shares: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def normalised(scores: ArrayLike, zero: float, one: float) -> NDArray[np.float64]:
    """Return scores normalised by two references: `(x - zero) / (one - zero)`.

    The references are, for example, the scores of a random policy and of a known good one.

    Args:
        scores: Scores, any shape.
        zero: Score that becomes 0.
        one: Score that becomes 1.

    Raises:
        ValueError: The references are equal or non-finite.
    """
    if not (math.isfinite(zero) and math.isfinite(one) and zero != one):
        raise ValueError(f"references must be two different finite scores, not {zero!r} and {one!r}")
    return (np.asarray(scores, dtype=np.float64) - zero) / (one - zero)


def performance_profile(scores: Sequence[ArrayLike], thresholds: ArrayLike, *, confidence: float = 0.95) -> Profile:
    """Return the share of runs that score above each threshold (Agarwal et al. 2021, NeurIPS: score distributions).

    The share is the mean over tasks of the share of each task's runs. The interval is Wilson's, with all runs as its
    trials. It is conservative if tasks differ (Hoeffding 1956, Annals of Mathematical Statistics 27).

    Args:
        scores: Scores of the runs of each task; -infinity for a run without a score. NaN is left out.
        thresholds: Score thresholds, shape `(k,)`.
        confidence: Two-sided pointwise confidence level, in (0, 1).
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
    """Return the optimality gap: the mean of `max(gamma - x, 0)` (Agarwal et al. 2021). Lower is better.

    Args:
        scores: Normalised scores of the runs of each task. Non-finite values are left out.
        generator: Random generator for the resamples.
        gamma: Score above which improvements do not count.
        confidence: Two-sided confidence level, in (0, 1).
    """
    return mean_over_tasks([np.maximum(gamma - finite(task), 0.0) for task in scores], generator, confidence=confidence)


def improvement_over_tasks(
    first: Sequence[ArrayLike], second: Sequence[ArrayLike], *, confidence: float = 0.95
) -> PairedEffect:
    """Return the mean over tasks of the probability that a run of the first group beats one of the second.

    For one task this equals `effect_size.probability_of_improvement`. For several tasks, the half-widths of their
    intervals on either side are combined as independent errors (Zou and Donner 2008, Statistics in Medicine 27).

    Args:
        first: Scores of the runs of the first group, for each task.
        second: Scores of the runs of the second group, for each task.
        confidence: Two-sided confidence level, in (0, 1).

    Raises:
        ValueError: The groups have different numbers of tasks.
    """
    if len(first) != len(second):
        raise ValueError(f"the groups have {len(first)} and {len(second)} tasks; pass the scores of the same tasks")
    found = [probability_of_improvement(a, b, confidence=confidence) for a, b in zip(first, second, strict=True)]
    if not found:
        return PairedEffect(math.nan, math.nan, math.nan)
    estimate = float(np.mean([one.estimate for one in found]))
    below = math.sqrt(sum((one.estimate - one.low) ** 2 for one in found)) / len(found)
    above = math.sqrt(sum((one.high - one.estimate) ** 2 for one in found)) / len(found)
    return PairedEffect(estimate, estimate - below, estimate + above)
