"""Trend of a series: improving, stable, declining, or not enough data."""

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.blocks import block_edges, block_means, finite_part
from rlvitals.stats.series.noise import Mixture, regress

Verdict = Literal["improving", "stable", "declining", "not enough data"]

FEWEST_VALUES = 10
_CLIP = 4.0  # robust standard deviations from the robust line
_NORMAL_MAD = 1.4826  # a normal sample's standard deviation in units of its median absolute deviation
_NORMAL_IQR = 1.3490  # a normal sample's interquartile range in units of its standard deviation
_ROUNDING = 1e-12  # fraction of the largest value; smaller residuals are rounding errors
_QUADRATIC_FROM, _CUBIC_FROM = 20, 40


class Trend(NamedTuple):
    """Trend of a series.

    Attributes:
        verdict: `improving`, `stable`, `declining` or `not enough data`.
        slope: Slope in units of the value per unit of position (per value if no positions are given).
        slope_low: Lower end of the confidence interval of the slope.
        slope_high: Upper end of the confidence interval of the slope.
        change: Slope times the span of the positions: the change of the fitted line from the first value to the last.
        change_low: Lower end of the confidence interval of the change.
        change_high: Upper end of the confidence interval of the change.
        noise: Robust standard deviation of single values around the fitted curve, in the units of the value.
        probability: Posterior probability that the slope is above zero.
        used: Number of finite values.
        dropped: Number of values left out because they, or their positions, are non-finite.
    """

    verdict: Verdict
    slope: float
    slope_low: float
    slope_high: float
    change: float
    change_low: float
    change_high: float
    noise: float
    probability: float
    used: int
    dropped: int

    @property
    def effect(self) -> float:
        """Effect size: the change in noise standard deviations.

        It is infinite for a change without noise, 0 if both are 0, and NaN if the change is unknown.
        """
        if self.noise > 0.0 or math.isnan(self.change):
            return self.change / self.noise
        return 0.0 if self.change == 0.0 else float(np.copysign(np.inf, self.change))

    @property
    def effect_size(self) -> float | None:
        """Effect size for display; `None` if the change is unknown or there is no noise to divide by."""
        return self.effect if math.isfinite(self.effect) else None


def trend(
    values: ArrayLike,
    positions: ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    higher_is_better: bool = True,
    stable_within: float = 2.0,
    negligible: float = 0.0,
) -> Trend:
    """Test whether a series moves up or down, allowing for autocorrelated and heavy-tailed noise.

    1. The finite values are averaged in at most 48 blocks of equal size, in time order.
    2. Block means more than 4 robust standard deviations (1.4826 MAD) from the Theil-Sen line (Sen 1968, JASA 63) are
       clipped to that distance (pseudo-values: Huber 1964, Annals of Mathematical Statistics 35).
    3. `block = polynomial of time + autocorrelated noise`, of degree 1, 2 or 3 (fewer than 20 blocks, fewer than 40, or
       more). The polynomials are orthogonal, so a curve that levels off counts as movement rather than noise. The slope
       is the linear coefficient. Its distribution is averaged over the possible noise models
       (`rlvitals.stats.series.noise`).
    4. The verdict is improving or declining if the confidence interval of the slope excludes zero, with all of the
       interval beyond `negligible`. It is stable if the interval includes zero and the total change is within
       `stable_within` noise standard deviations of zero, with more than `confidence` probability on either side (two
       one-sided tests: Schuirmann 1987). A series of equal values is also stable. Otherwise there is not enough data
       for a verdict.

    Multiplying the values by a positive number or shifting them changes only the units. Changing their sign swaps
    improving and declining.

    Args:
        values: Series in time order, shape `(n,)`. Non-finite values are left out and counted.
        positions: Position of each value (episode, step, seconds), shape `(n,)`; by default its index.
        confidence: Two-sided confidence level of the intervals, in (0, 1).
        higher_is_better: Whether higher values are better; False for a loss, so that downwards is improving.
        stable_within: Largest change, in noise standard deviations, that can be called stable.
        negligible: Largest change, in noise standard deviations, that is ignored. With 0, every significant change is a
            trend.

    Returns:
        The verdict and its numbers. With fewer than 10 finite values, or all at the same position, the verdict is
        `not enough data` and the numbers are NaN.
    """
    sample = finite_part(values, positions)
    count = sample.values.size
    span = float(sample.positions[-1] - sample.positions[0]) if count else 0.0
    if count < FEWEST_VALUES or not span > 0.0:
        nan = float("nan")
        return Trend("not enough data", nan, nan, nan, nan, nan, nan, nan, nan, count, sample.dropped)
    if np.all(sample.values == sample.values[0]):
        return Trend("stable", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, count, sample.dropped)
    unit = float(np.abs(sample.values).max())
    change, noise = change_over_span(sample.values / unit, (sample.positions - sample.positions[0]) / span)
    tail = 0.5 * (1.0 - confidence)
    low, high = change.quantile(tail), change.quantile(1.0 - tail)
    floor, margin = negligible * noise, max(stable_within, negligible) * noise
    verdict: Verdict = "not enough data"
    if low > floor or high < -floor:
        verdict = "improving" if (low > floor) is higher_is_better else "declining"
    elif margin > 0.0 and max(change.below(-margin), 1.0 - change.below(margin)) <= 1.0 - confidence:
        verdict = "stable"
    return Trend(
        verdict=verdict,
        slope=change.mean * unit / span,
        slope_low=low * unit / span,
        slope_high=high * unit / span,
        change=change.mean * unit,
        change_low=low * unit,
        change_high=high * unit,
        noise=noise * unit if noise > _ROUNDING else 0.0,
        probability=1.0 - change.below(0.0),
        used=count,
        dropped=sample.dropped,
    )


def change_over_span(values: NDArray[np.float64], places: NDArray[np.float64]) -> tuple[Mixture, float]:
    """Return the distribution of the linear change over the series, and the noise around the fitted curve.

    Args:
        values: Finite values, shape `(n,)`, `n >= 10`, scaled to about 1.
        places: Positions scaled from 0 to 1, in increasing order, shape `(n,)`.

    Returns:
        The distribution of the change and the robust standard deviation around the curve, both in the units of the
        values.
    """
    edges = block_edges(values.size)
    center = float(np.median(values))
    heights = drawn_in(block_means(values - center, edges))
    where = block_means(places, edges)
    degree = 1 + (heights.size >= _QUADRATIC_FROM) + (heights.size >= _CUBIC_FROM)
    powers = np.vander(where - where.mean(), degree + 1, increasing=True)
    basis, triangle = np.linalg.qr(powers)
    regression = regress(heights, basis, values.size)
    # Linear coefficient of the orthogonal basis for a line of slope 1.
    contrast = np.zeros(degree + 1)
    contrast[1] = 1.0 / triangle[1, 1]
    curve = np.linalg.solve(triangle, regression.weights @ regression.coefficients)
    fitted = np.polynomial.polynomial.polyval(places - where.mean(), curve)
    return regression.combination(contrast), robust_deviation(values - center - fitted)


def drawn_in(heights: NDArray[np.float64], limit: float = _CLIP) -> NDArray[np.float64]:
    """Return the block means, clipped to at most `limit` robust standard deviations from their Theil-Sen line.

    If more than half of them are on the line, their spread cannot be estimated and nothing is clipped.

    Args:
        heights: Block means in time order, shape `(m,)`.
        limit: Largest distance in robust standard deviations.

    Returns:
        The clipped block means, shape `(m,)`.
    """
    index = np.arange(heights.size, dtype=np.float64)
    first, second = np.triu_indices(heights.size, 1)
    line = float(np.median((heights[second] - heights[first]) / (second - first))) * index
    residual = heights - line
    middle = float(np.median(residual))
    width = _NORMAL_MAD * float(np.median(np.abs(residual - middle)))
    if width <= 1e-12 * float(np.abs(heights).max()):
        return heights
    return line + middle + np.clip(residual - middle, -limit * width, limit * width)


def robust_deviation(values: NDArray[np.float64]) -> float:
    """Return the interquartile range divided by 1.349, which is the standard deviation of a normal sample.

    If at least half of the values are equal, return the plain standard deviation instead.

    Args:
        values: Finite values, shape `(n,)`, `n >= 1`.
    """
    lower, upper = np.quantile(values, (0.25, 0.75))
    spread = float(upper - lower) / _NORMAL_IQR
    return spread if spread > 0.0 else float(values.std())
