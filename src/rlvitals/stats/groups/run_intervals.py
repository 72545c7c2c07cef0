"""Confidence intervals over a few independent runs: mean, median, interquartile mean."""

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
"""Extension `c` of the median's interval by number of runs: `[lowest - c range, highest + c range]`."""
_CHUNK = 1 << 21


def mean_of_runs(values: ArrayLike, generator: np.random.Generator, *, confidence: float = 0.95) -> PairedEffect:
    """Return the mean of the outcomes of independent runs, with its confidence interval.

    For fewer than 5 runs, the interval is Student's. From 5 runs on it is that of `paired_items.mean_effect`, whose
    ends are the farther of Student's and the studentised bootstrap's. No interval of finite length has guaranteed
    coverage for the mean of every distribution (Bahadur and Savage 1956, Annals of Mathematical Statistics 27). With 3
    runs of a strongly skewed or bimodal outcome, the coverage is 82 to 89 %, and the studentised bootstrap would be
    eight times as wide (`docs/validation/comparison.md`).

    Args:
        values: Outcomes, shape `(n,)`. Non-finite values are left out.
        generator: Random generator for the resamples.
        confidence: Two-sided confidence level, in (0, 1).

    Returns:
        The mean and its interval; the ends are NaN for fewer than 2 runs.
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
    """Return the median of the outcomes of independent runs, with its confidence interval.

    - From 6 runs on, the interval is between two order statistics and valid for any distribution
      (`paired_items.median_effect`).
    - With 5 runs, it is the range of the runs, which covers 93.75 % for any distribution.
    - With 4 and 3 runs, that range covers 87.5 and 75 %. The interval is extended by half a range and a whole range on
      either side. It then covers 95 % or more for the outcomes of `docs/validation/comparison.md`. This is an empirical
      result.

    For confidence levels other than 95 %, only order statistics are used.

    Args:
        values: Outcomes, shape `(n,)`. Non-finite values are left out.
        confidence: Two-sided confidence level, in (0, 1).

    Returns:
        The median and its interval; the ends are NaN if the interval is unavailable.
    """
    sample = finite(values)
    if sample.size not in _EXTENSION or confidence != 0.95:  # noqa: PLR2004 -- the extensions are calibrated for 95 %
        return median_effect(sample, confidence=confidence)
    low, high = float(sample.min()), float(sample.max())
    reach = _EXTENSION[sample.size] * (high - low)
    return PairedEffect(float(np.median(sample)), low - reach, high + reach)


def iqm_of_runs(values: ArrayLike, generator: np.random.Generator, *, confidence: float = 0.95) -> PairedEffect:
    """Return the interquartile mean of the outcomes of independent runs of one task; see `iqm_over_tasks`."""
    return iqm_over_tasks([finite(values)], generator, confidence=confidence)


def iqm_over_tasks(
    scores: Sequence[ArrayLike], generator: np.random.Generator, *, confidence: float = 0.95
) -> PairedEffect:
    """Return the interquartile mean of the scores of all runs of all tasks, with its confidence interval.

    This is the mean of the middle half of all scores (25 % trimmed: `floor(n / 4)` are left out at either end), as in
    Agarwal et al. 2021 (NeurIPS). The tasks are fixed and the runs are random. Each end of the interval is the farther
    of two:

    - Tukey and McLaughlin's (1963, Sankhya A 25) `mean -+ t s_w / (0.5 n)`. `s_w` uses the variance of the winsorised
      scores within tasks. The degrees of freedom count the scores that are not winsorised, and are combined by
      Satterthwaite's formula.
    - The percentile bootstrap's, resampled within tasks (Efron 1979, Annals of Statistics 7).

    The first alone covers only 83 % if a quarter of the runs fails. The second alone covers only 73 % for 3 runs.

    Args:
        scores: Scores of the runs of each task. Non-finite values are left out.
        generator: Random generator for the resamples.
        confidence: Two-sided confidence level, in (0, 1).

    Returns:
        The interquartile mean and its interval; the ends are NaN if a task has fewer than 2 runs.
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
    """Return the mean over tasks of each task's mean over runs, with its confidence interval.

    The tasks are fixed and the runs are random: `mean_k m_k -+ t sqrt(sum_k s_k^2 / n_k) / K`, with Satterthwaite's
    degrees of freedom. For one task this equals `mean_of_runs`.

    Args:
        scores: Scores of the runs of each task. Non-finite values are left out.
        generator: Random generator for the resamples, used for one task only.
        confidence: Two-sided confidence level, in (0, 1).
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
    """Return the finite values, flattened to shape `(n,)`."""
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
