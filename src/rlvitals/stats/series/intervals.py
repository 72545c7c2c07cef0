"""Confidence intervals of means and rates that stay valid for autocorrelated series."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.blocks import block_edges, block_means, finite_part
from rlvitals.stats.series.noise import Mixture, correlations, regress
from rlvitals.stats.series.student_t import normal_quantile, student_t_quantile

FEWEST_VALUES = 10
FEWEST_EFFECTIVE = 4.0
_UPPER = 0.975


class Interval(NamedTuple):
    """An estimate with its confidence interval.

    Attributes:
        estimate: Point estimate in the units of the values; NaN without values.
        low: Lower end, same units; NaN if there is not enough data for an interval.
        high: Upper end, same units; NaN if there is not enough data for an interval.
        effective: Effective sample size: the number of independent values with the same information.
        used: Number of values used.
    """

    estimate: float
    low: float
    high: float
    effective: float
    used: int

    @property
    def enough(self) -> bool:
        """Whether there is enough data for an interval."""
        return not (math.isnan(self.low) or math.isnan(self.high))


def mean_interval(values: ArrayLike, *, confidence: float = 0.95, independent: bool = False) -> Interval:
    """Return a confidence interval of the mean of a series that can be autocorrelated.

    For independent values: `mean +- t_{n-1} s / sqrt(n)` (Student 1908). Otherwise the series is averaged in at most 48
    blocks. The variance of their mean is `s^2 1' C 1 / m^2`. It is averaged over the possible correlation matrices `C`,
    each with a Student t distribution around the sample mean (`stats.series.noise`). Outliers are not clipped, because
    they belong to the mean of a skewed series.

    Args:
        values: Values in time order, shape `(n,)`. Non-finite values are left out.
        confidence: Two-sided confidence level, in (0, 1).
        independent: Whether the values are known to be independent, such as evaluation episodes of one policy.

    Returns:
        The interval. Its ends are NaN for fewer than 10 values (independent: 2), or for an effective sample size below
        4.
    """
    sample = finite_part(values).values
    mean = _mean(sample)
    if independent:
        return _independent_mean(sample, mean, confidence)
    if sample.size < FEWEST_VALUES:
        return Interval(mean, math.nan, math.nan, math.nan, sample.size)
    known = mean_distribution(sample)
    if known is None:
        return Interval(mean, mean, mean, float(sample.size), sample.size)
    effective = known.effective(float(np.std(sample / known.unit)) ** 2, sample.size)
    if effective < FEWEST_EFFECTIVE:
        return Interval(mean, math.nan, math.nan, effective, sample.size)
    half = known.mixture.quantile(0.5 + 0.5 * confidence) * known.unit
    return Interval(mean, mean - half, mean + half, effective, sample.size)


class MeanDistribution(NamedTuple):
    """Distribution of the error of a sample mean.

    Attributes:
        mixture: Distribution of the error in multiples of `unit`, centred at 0.
        unit: Scale in the units of the values.
    """

    mixture: Mixture
    unit: float

    def effective(self, spread: float, count: int) -> float:
        """Return the effective sample size, at least 1 and at most `count`.

        It is the number of independent values whose confidence interval has the same width: `z^2 spread / h^2`, with
        `h` the half-width of the 95 % interval of the mean, and `z = 1.96`.

        Args:
            spread: Variance of a single value, in squared multiples of `unit`.
            count: Number of values in the series.
        """
        half = self.mixture.quantile(_UPPER)
        return min(float(count), max(1.0, spread * (normal_quantile(_UPPER) / half) ** 2))


def mean_distribution(sample: NDArray[np.float64], split: int | None = None) -> MeanDistribution | None:
    """Return the distribution of the error of the mean of an autocorrelated series; None if all values are equal.

    Args:
        sample: Finite values in time order, shape `(n,)`, `n >= 10`.
        split: Index at which a second line starts. If given, the noise is the residual around one line before it and
            another line from it on, so that a drift is not mistaken for noise.
    """
    center = float(np.median(sample))
    unit = float(np.abs(sample - center).max())
    if not unit > 0.0:
        return None
    edges = block_edges(sample.size)
    heights = block_means((sample - center) / unit, edges)
    columns = np.ones((heights.size, 1))
    if split is not None:
        after = block_means((np.arange(sample.size) >= split).astype(np.float64), edges)
        time = np.linspace(-1.0, 1.0, heights.size)
        columns = np.column_stack([1.0 - after, after, (1.0 - after) * time, after * time])
    regression = regress(heights, columns, sample.size)
    inflation = correlations(heights.size).mean(axis=(1, 2))
    scales = np.sqrt(regression.variances * inflation)
    return MeanDistribution(
        Mixture(np.zeros(scales.size), scales, regression.weights, regression.degrees_of_freedom), unit
    )


def wilson_interval(successes: float, trials: float, *, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval of a rate.

    `(p + z^2/2n -+ z sqrt(p (1-p)/n + z^2/4n^2)) / (1 + z^2/n)` (Wilson 1927, JASA 22). The interval never leaves
    [0, 1] and stays informative at 0 or n successes.

    Args:
        successes: Number of successes; can be fractional.
        trials: Number of independent trials; can be fractional.
        confidence: Two-sided confidence level, in (0, 1).

    Raises:
        ValueError: The number of successes is negative or exceeds the number of trials.
    """
    if not 0.0 <= successes <= trials:
        raise ValueError(f"successes must be between 0 and the number of trials ({trials}), not {successes}")
    if trials == 0.0:
        return Interval(math.nan, math.nan, math.nan, 0.0, 0)
    z = normal_quantile(0.5 + 0.5 * confidence)
    rate = successes / trials
    scale = 1.0 + z * z / trials
    center = (rate + 0.5 * z * z / trials) / scale
    half = z * math.sqrt(rate * (1.0 - rate) / trials + 0.25 * (z / trials) ** 2) / scale
    low = 0.0 if successes == 0.0 else max(0.0, center - half)
    high = 1.0 if successes == trials else min(1.0, center + half)
    return Interval(rate, low, high, trials, int(trials))


def rate_interval(outcomes: ArrayLike, *, confidence: float = 0.95, independent: bool = False) -> Interval:
    """Return the confidence interval of a success rate from a series of outcomes.

    This is Wilson's interval with the effective number of trials instead of their number. The variance of the mean of
    the 0/1 series is estimated as in `mean_interval`, and `n_eff = p (1-p) / Var` (Kish 1965, Survey Sampling, 8.2: the
    design effect; Dean and Pagano 2015, Journal of Survey Statistics and Methodology 3). If all outcomes are equal,
    `n_eff` is computed with the middle outcome flipped.

    Args:
        outcomes: Outcomes in time order, 0 or 1 (or booleans), shape `(n,)`. Non-finite values are left out.
        confidence: Two-sided confidence level, in (0, 1).
        independent: Whether the outcomes are known to be independent. Fewer than 10 are always treated as independent.

    Returns:
        The interval of the rate, from 0 to 1; NaN without outcomes.
    """
    sample = finite_part(outcomes).values
    trials, successes = sample.size, float(sample.sum())
    if trials == 0:
        return Interval(math.nan, math.nan, math.nan, 0.0, 0)
    effective = float(trials)
    if not independent and trials >= FEWEST_VALUES:
        shown = sample.copy()
        if successes in (0.0, trials):
            shown[trials // 2] = 1.0 - shown[trials // 2]
        known, rate = mean_distribution(shown), float(shown.mean())
        if known is not None:
            effective = known.effective(rate * (1.0 - rate) / known.unit**2, trials)
    found = wilson_interval(successes / trials * effective, effective, confidence=confidence)
    return found._replace(used=trials)


def median_interval(values: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Return a confidence interval of the median of a series that can be autocorrelated.

    Its ends are the quantiles of the sample at the ends of Wilson's interval of one half, for the effective number of
    trials of the outcome "up to the median" (`rate_interval`; for independent values: Thompson 1936, Annals of
    Mathematical Statistics 7). It holds for any distribution.

    Args:
        values: Values in time order, shape `(n,)`. Non-finite values are left out.
        confidence: Two-sided confidence level, in (0, 1).

    Returns:
        The interval. Its ends are NaN for fewer than 10 values.
    """
    sample = finite_part(values).values
    middle = float(np.median(sample)) if sample.size else math.nan
    if sample.size < FEWEST_VALUES:
        return Interval(middle, math.nan, math.nan, math.nan, sample.size)
    effective = rate_interval(sample <= middle).effective
    around = wilson_interval(0.5 * effective, effective, confidence=confidence)
    low, high = np.quantile(sample, (around.low, around.high))
    return Interval(middle, float(low), float(high), effective, sample.size)


def _mean(sample: NDArray[np.float64]) -> float:
    if sample.size == 0:
        return math.nan
    largest = float(np.abs(sample).max())
    if largest == 0.0:
        return 0.0
    return float(np.clip((sample / largest).mean(), sample.min() / largest, sample.max() / largest)) * largest


def _independent_mean(sample: NDArray[np.float64], mean: float, confidence: float) -> Interval:
    count = sample.size
    if count < 2:  # noqa: PLR2004 -- a variance needs two values
        return Interval(mean, math.nan, math.nan, float(count), count)
    freedom = min(count - 1, 10_000)  # above this, t equals the normal distribution to five digits
    half = student_t_quantile(0.5 + 0.5 * confidence, freedom) * float(sample.std(ddof=1)) / math.sqrt(count)
    return Interval(mean, mean - half, mean + half, float(count), count)
