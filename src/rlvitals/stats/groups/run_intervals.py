"""Intervals over a handful of independent runs: mean, median, interquartile mean."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.groups.paired_items import PairedEffect, mean_effect, median_effect
from rlvitals.stats.groups.welch import moments_of, t_quantile

FEWEST_RUNS = 2
FEWEST_FOR_MEDIAN = 3
RESAMPLES = 2_000
_STUDENTISED_FROM = 5
_EXTENSION = {3: 1.0, 4: 0.5, 5: 0.0}
"""How far the median's interval reaches beyond the extremes, in ranges: `[lowest - c range, highest + c range]`."""
_CHUNK = 1 << 21


def mean_of_runs(values: ArrayLike, generator: np.random.Generator, *, confidence: float = 0.95) -> PairedEffect:
    """Mean of the outcomes of independent runs.

    Below 5 runs Student's interval; from there on `paired.mean_effect`, whose ends are the farther of Student's and the
    studentised bootstrap's. No interval of finite length holds for the mean of every distribution (Bahadur and Savage
    1956, Annals of Mathematical Statistics 27): with 3 runs of a strongly skewed outcome, or of one with two modes, it
    covers 82 to 89 %, and the studentised bootstrap would be eight times as wide (`docs/comparison.md`).

    Args:
        values: Shape `(n,)`; those that are not finite are left out.
        generator: Draws resamples.
        confidence: Two-sided.

    Returns:
        The mean and its interval; without ends below 2 runs.
    """
    sample = finite(values)
    if sample.size >= _STUDENTISED_FROM:
        return mean_effect(sample, generator, confidence=confidence)
    found = moments_of(sample)
    if found.size < FEWEST_RUNS:
        return PairedEffect(found.mean, math.nan, math.nan)
    half = t_quantile(0.5 + 0.5 * confidence, found.size - 1) * math.sqrt(found.variance / found.size)
    return PairedEffect(found.mean, found.mean - half, found.mean + half)


def median_of_runs(values: ArrayLike, *, confidence: float = 0.95) -> PairedEffect:
    """Median of the outcomes of independent runs.

    From 6 runs on between two of them, whatever the distribution (`paired.median_effect`). With 5 runs from the lowest
    to the highest, which covers 93.75 % for every distribution. With 4 and 3 runs these cover 87.5 and 75 %: the
    interval reaches half a range, and a whole range, beyond, which covers 95 % or more for the outcomes of
    `docs/comparison.md`, and is no theorem. Of other confidences than 95 % only what order statistics give.

    Returns:
        The median and its interval; without ends where there is none.
    """
    sample = finite(values)
    if sample.size not in _EXTENSION or confidence != 0.95:  # noqa: PLR2004 -- what the extensions are measured for
        return median_effect(sample, confidence=confidence)
    low, high = float(sample.min()), float(sample.max())
    reach = _EXTENSION[sample.size] * (high - low)
    return PairedEffect(float(np.median(sample)), low - reach, high + reach)


def iqm_of_runs(values: ArrayLike, generator: np.random.Generator, *, confidence: float = 0.95) -> PairedEffect:
    """Interquartile mean of the outcomes of independent runs of one task: see `iqm_over_tasks`."""
    return iqm_over_tasks([finite(values)], generator, confidence=confidence)


def iqm_over_tasks(
    scores: Sequence[ArrayLike], generator: np.random.Generator, *, confidence: float = 0.95
) -> PairedEffect:
    """Interquartile mean of the scores of all runs of all tasks, the tasks being given and the runs drawn.

    The mean of the middle half of all scores (25 % trimmed: `floor(n / 4)` left out at either end), as Agarwal et al.
    2021 (NeurIPS) do. Each end of the interval is the farther of two:

    - Tukey and McLaughlin's (1963, Sankhya A 25) `mean -+ t s_w / (0.5 n)`, with the variance of the winsorised scores
      within tasks in `s_w`, and the degrees of freedom of what is not winsorised, put together as Satterthwaite does;
    - the percentile bootstrap's, resampled within tasks (Efron 1979, Annals of Statistics 7).

    The first alone falls to 83 % where a quarter of the runs fails, the second alone covers 73 % of 3 runs.

    Args:
        scores: For each task the scores of its runs; those that are not finite are left out.
        generator: Draws resamples.
        confidence: Two-sided.

    Returns:
        The interquartile mean and its interval; without ends where a task has fewer than 2 runs.
    """
    tasks = [finite(task) for task in scores]
    pooled = np.sort(np.concatenate(tasks)) if tasks else np.empty(0)
    count = pooled.size
    if not count:
        return PairedEffect(math.nan, math.nan, math.nan)
    cut = count // 4
    estimate = float(pooled[cut : count - cut].mean())
    if min(task.size for task in tasks) < FEWEST_RUNS:
        return PairedEffect(estimate, math.nan, math.nan)
    low, high = pooled[cut], pooled[count - cut - 1]
    parts, freedoms = [], []
    for task in tasks:
        parts.append(task.size * float(np.clip(task, low, high).var(ddof=1)))
        inside = int(np.count_nonzero((task >= low) & (task <= high)))
        freedoms.append(max(1, inside - 1))
    total = sum(parts)
    half = 0.0
    if total > 0.0:
        freedom = 1.0 / sum((part / total) ** 2 / own for part, own in zip(parts, freedoms, strict=True))
        half = t_quantile(0.5 + 0.5 * confidence, freedom) * math.sqrt(total) / (count - 2 * cut)
    tail = 0.5 * (1.0 - confidence)
    resampled = _resampled_iqm(tasks, cut, generator)
    lower, upper = np.quantile(resampled, (tail, 1.0 - tail))
    return PairedEffect(estimate, min(estimate - half, float(lower)), max(estimate + half, float(upper)))


def mean_over_tasks(
    scores: Sequence[ArrayLike], generator: np.random.Generator, *, confidence: float = 0.95
) -> PairedEffect:
    """Mean over tasks of each task's mean over runs, the tasks being given and the runs drawn.

    `mean_k m_k -+ t sqrt(sum_k s_k^2 / n_k) / K`, Satterthwaite's degrees of freedom; one task: `mean_of_runs`.
    """
    tasks = [finite(task) for task in scores]
    if len(tasks) == 1:
        return mean_of_runs(tasks[0], generator, confidence=confidence)
    found = [moments_of(task) for task in tasks]
    if not found or min(one.size for one in found) == 0:
        return PairedEffect(math.nan, math.nan, math.nan)
    estimate = float(np.mean([one.mean for one in found]))
    if min(one.size for one in found) < FEWEST_RUNS:
        return PairedEffect(estimate, math.nan, math.nan)
    parts = [one.variance / one.size for one in found]
    total = sum(parts)
    if total == 0.0:
        return PairedEffect(estimate, estimate, estimate)
    freedom = 1.0 / sum((part / total) ** 2 / (one.size - 1) for part, one in zip(parts, found, strict=True))
    half = t_quantile(0.5 + 0.5 * confidence, freedom) * math.sqrt(total) / len(found)
    return PairedEffect(estimate, estimate - half, estimate + half)


def finite(values: ArrayLike) -> NDArray[np.float64]:
    """The finite values, flat."""
    sample = np.asarray(values, dtype=np.float64).ravel()
    kept: NDArray[np.float64] = sample[np.isfinite(sample)]
    return kept


def _resampled_iqm(
    tasks: Sequence[NDArray[np.float64]], cut: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    count = sum(task.size for task in tasks)
    step = max(1, _CHUNK // count)
    found = np.empty(RESAMPLES)
    for begin in range(0, RESAMPLES, step):
        rows = min(step, RESAMPLES - begin)
        drawn = np.concatenate([task[generator.integers(task.size, size=(rows, task.size))] for task in tasks], axis=1)
        drawn.partition((cut, count - cut - 1), axis=1)
        found[begin : begin + rows] = drawn[:, cut : count - cut].mean(axis=1)
    return found
