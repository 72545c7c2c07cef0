"""Confidence intervals of the mean over logos."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its confidence interval.

    Args:
        mean: Mean of the sample.
        low: Lower end; NaN for a sample with one value, which gives no information about the spread.
        high: Upper end; NaN for a sample with one value.
    """

    mean: float
    low: float
    high: float


def bootstrap_interval(values: ArrayLike, rng: np.random.Generator, confidence: float = 0.95) -> Interval:
    """Return the bias-corrected and accelerated bootstrap interval of a mean.

    B. Efron: "Better bootstrap confidence intervals", Journal of the American Statistical Association 82, 1987. The
    bias correction z0 is computed from the share of resampled means below the mean, and the acceleration a from the
    skewness of the sample (for a mean, a = sum d^3 / (6 (sum d^2)^1.5) with the deviations d from the mean).

    Args:
        values: Independent values, shape (n,) with n at least 1.
        rng: Random generator for the resampling.
        confidence: Confidence level between 0 and 1.

    Raises:
        ValueError: There are no values.
    """
    sample: NDArray[np.float64] = np.asarray(values, np.float64)
    if sample.size == 0:
        raise ValueError("an interval needs at least one value")
    mean = float(sample.mean())
    if sample.size == 1:
        return Interval(mean, float("nan"), float("nan"))
    deviations = sample - mean
    spread = float((deviations**2).sum())
    if spread == 0.0:
        return Interval(mean, mean, mean)
    means = sample[rng.integers(sample.size, size=(RESAMPLES, sample.size))].mean(axis=1)
    normal = NormalDist()
    below = (float((means < mean).sum()) + 0.5 * float((means == mean).sum())) / RESAMPLES
    bias = normal.inv_cdf(min(max(below, 0.5 / RESAMPLES), 1.0 - 0.5 / RESAMPLES))
    acceleration = float((deviations**3).sum()) / (6.0 * spread**1.5)
    ends = []
    for share in ((1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0):
        shifted = bias + normal.inv_cdf(share)
        ends.append(normal.cdf(bias + shifted / (1.0 - acceleration * shifted)))
    low, high = np.quantile(means, ends)
    return Interval(mean, float(low), float(high))
