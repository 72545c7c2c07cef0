"""Quantiles, the interquartile mean, and bootstrap intervals of any statistic."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.blocks import finite_part
from rlvitals.stats.series.intervals import Interval, mean_distribution
from rlvitals.stats.series.student_t import normal_quantile

_FEWEST_FOR_CORRELATION = 10
_EXACT_UP_TO = 1000
_FEWEST_BEYOND = 5.0  # expected number of effective values in the smaller tail


def quantiles(values: ArrayLike, probabilities: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95)) -> dict[float, float]:
    """Return quantiles of the finite values.

    They are interpolated linearly (Hyndman and Fan 1996, American Statistician 50: type 7).

    Args:
        values: Values, shape `(n,)`. Non-finite values are left out.
        probabilities: Probabilities of the quantiles, each from 0 to 1.

    Returns:
        Quantile by probability, in the units of the values; NaN if no value is finite.
    """
    sample = finite_part(values).values
    if sample.size == 0:
        return dict.fromkeys(probabilities, math.nan)
    found = np.quantile(sample, list(probabilities))
    return {probability: float(value) for probability, value in zip(probabilities, found, strict=True)}


def interquartile_mean(values: ArrayLike) -> float:
    """Return the mean of the middle half of the finite values; NaN without any.

    The lowest and highest `floor(n / 4)` values are left out. This 25 % trimmed mean is as robust as the median and
    nearly as precise as the mean (Agarwal et al. 2021, Deep Reinforcement Learning at the Edge of the Statistical
    Precipice, NeurIPS).

    Args:
        values: Values, shape `(n,)`.
    """
    sample = finite_part(values).values
    if sample.size == 0:
        return math.nan
    cut = sample.size // 4
    middle = np.partition(sample, (cut, sample.size - cut - 1))[cut : sample.size - cut]
    return float(middle.mean())


def quantile_interval(
    values: ArrayLike, probability: float, *, confidence: float = 0.95, independent: bool = False
) -> Interval:
    """Return the confidence interval of a quantile, from the order statistics.

    The number of values below the true quantile is binomial with `n` and `p` for any distribution. The lower end is the
    order statistic whose rank that number falls below with a probability of at most `(1 - confidence) / 2`. The upper
    end is its counterpart (David and Nagaraja 2003, Order Statistics, 7.1).

    For an autocorrelated series, the variance `p (1 - p) / n` of that share becomes `p (1 - p) / n_eff`. `n_eff` is
    computed from the series of 0 (above) and 1 (below the sample quantile). The ranks then follow from the normal
    approximation in Wilson's form (Woodruff 1952, JASA 47), which is also used for more than 1000 independent values.

    Args:
        values: Values in time order, shape `(n,)`. Non-finite values are left out.
        probability: Probability of the quantile, in (0, 1).
        confidence: Two-sided confidence level, in (0, 1).
        independent: Whether the values are known to be independent.

    Returns:
        The interval. An end is NaN if no order statistic is far enough out (the 5 % quantile of 20 values). With the
        normal approximation, both are NaN if fewer than 5 effective values are expected beyond the quantile.

    Raises:
        ValueError: The probability is not in (0, 1).
    """
    if not 0.0 < probability < 1.0:
        raise ValueError(f"probability must be in (0, 1), not {probability}")
    sample = finite_part(values).values
    count = sample.size
    if count == 0:
        return Interval(math.nan, math.nan, math.nan, 0.0, 0)
    ordered = np.sort(sample)
    estimate = float(np.quantile(ordered, probability))
    if ordered[0] == ordered[-1]:
        return Interval(estimate, estimate, estimate, float(count), count)
    effective = float(count) if independent else _effective((sample <= estimate).astype(np.float64), probability)
    tail = 0.5 * (1.0 - confidence)
    if independent and count <= _EXACT_UP_TO:
        below = _binomial_cdf(count, probability)
        lowest = int(np.searchsorted(below, tail, side="right"))  # P(B < lowest) <= tail
        highest = int(np.searchsorted(below, 1.0 - tail, side="left")) + 1  # P(B >= highest) <= tail
    else:
        z = normal_quantile(1.0 - tail)
        scale = 1.0 + z * z / effective
        center = (probability + 0.5 * z * z / effective) / scale
        half = z * math.sqrt(probability * (1.0 - probability) / effective + 0.25 * (z / effective) ** 2) / scale
        enough = effective * min(probability, 1.0 - probability) >= _FEWEST_BEYOND
        lowest = math.floor((center - half) * count) if enough else 0
        highest = math.ceil((center + half) * count) + 1 if enough else count + 1
    low = float(ordered[lowest - 1]) if lowest >= 1 else math.nan
    high = float(ordered[highest - 1]) if highest <= count else math.nan
    return Interval(estimate, low, high, effective, count)


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    generator: np.random.Generator,
    *,
    resamples: int = 2000,
    block: int = 1,
    confidence: float = 0.95,
) -> Interval:
    """Return the percentile bootstrap interval of any statistic.

    Values are resampled with replacement, one at a time (Efron 1979) or, for an autocorrelated series, in circular
    blocks of `block` neighbours (Politis and Romano 1992). The interval covers the middle `confidence` of the resampled
    statistics.

    Args:
        values: Values in time order, shape `(n,)`. Non-finite values are left out.
        statistic: Function from resamples, shape `(r, n)`, to one number each, shape `(r,)`, such as
            `lambda x: np.median(x, axis=1)`.
        generator: Random generator; the same state gives the same interval.
        resamples: Number of resamples.
        block: Number of neighbours drawn together; about the autocorrelation time of the series.
        confidence: Two-sided confidence level, in (0, 1).

    Raises:
        ValueError: The block is below 1.
    """
    if block < 1:
        raise ValueError(f"block must be at least 1, not {block}")
    sample = finite_part(values).values
    count = sample.size
    if count < 2:  # noqa: PLR2004 -- a variance needs two values
        return Interval(float(sample[0]) if count else math.nan, math.nan, math.nan, float(count), count)
    estimate = float(statistic(sample[None, :])[0])
    pieces = -(-count // block)
    at_once = max(1, 4_000_000 // count)
    drawn: list[NDArray[np.float64]] = []
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        starts = generator.integers(0, count, size=(rows, pieces))
        indices = (starts[:, :, None] + np.arange(block)).reshape(rows, -1)[:, :count] % count
        drawn.append(np.asarray(statistic(sample[indices]), dtype=np.float64))
    tail = 0.5 * (1.0 - confidence)
    low, high = np.quantile(np.concatenate(drawn), (tail, 1.0 - tail))
    return Interval(estimate, float(low), float(high), count / block, count)


def _effective(indicator: NDArray[np.float64], probability: float) -> float:
    """Return the effective sample size for the share that an indicator series measures."""
    count = indicator.size
    known = mean_distribution(indicator) if count >= _FEWEST_FOR_CORRELATION else None
    if known is None:
        return float(count)
    return known.effective(probability * (1.0 - probability) / known.unit**2, count)


def _binomial_cdf(count: int, probability: float) -> NDArray[np.float64]:
    """Return `P(B <= k)` for k = 0 to n, shape `(n + 1,)`."""
    k = np.arange(count + 1)
    log_choose = np.array([math.lgamma(count + 1) - math.lgamma(i + 1) - math.lgamma(count - i + 1) for i in k])
    log_mass = log_choose + k * math.log(probability) + (count - k) * math.log1p(-probability)
    return np.asarray(np.minimum(np.cumsum(np.exp(log_mass)), 1.0), dtype=np.float64)
