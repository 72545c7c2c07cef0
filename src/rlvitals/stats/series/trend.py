"""Improving, stable, declining, or not enough data."""

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
_NORMAL_IQR = 1.3490  # its interquartile range in units of its standard deviation
_ROUNDING = 1e-12  # of the largest value: less than that around the curve is the arithmetic's, not the series'
_QUADRATIC_FROM, _CUBIC_FROM = 20, 40


class Trend(NamedTuple):
    """Where a series is going.

    Attributes:
        verdict: `improving`, `stable`, `declining` or `not enough data`.
        slope: Units of the value for one unit of position (for one value where no positions were given).
        slope_low: Lower end of the slope's interval.
        slope_high: Upper end.
        change: Slope times the span of the positions: by how much the line moves from the first value to the last.
        change_low: Lower end of the change's interval.
        change_high: Upper end.
        noise: Robust standard deviation of single values around the fitted curve, units of the value.
        probability: That the slope is above zero, given the series.
        used: Finite values.
        dropped: Values left out since they, or their positions, are not finite.
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
        """The change in units of the noise; infinite for a change without noise, 0 for neither, NaN if not known."""
        if self.noise > 0.0 or math.isnan(self.change):
            return self.change / self.noise
        return 0.0 if self.change == 0.0 else float(np.copysign(np.inf, self.change))

    @property
    def effect_size(self) -> float | None:
        """The same as it is told: `None` where it is not known, and where there is no noise to measure it in."""
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
    """Whether a series moves up or down, allowing for autocorrelated and heavy-tailed noise.

    1. The finite values are averaged in at most 48 blocks of equal size, in time order.
    2. Blocks further than 4 robust standard deviations (1.4826 MAD) from the Theil-Sen line (Sen 1968, JASA 63) are
       drawn in to that distance (pseudo-values: Huber 1964, Annals of Mathematical Statistics 35).
    3. `block = polynomial of time + autocorrelated noise`, of degree 1, 2 or 3 (fewer than 20 blocks, fewer than 40, or
       more), in orthogonal polynomials, so that a curve that levels off counts as movement and not as noise. The slope
       is the linear coefficient. Its distribution is averaged over the possible noises (`rlvitals.stats.series.noise`).
    4. Improving or declining: the interval of the slope excludes zero (the whole of it beyond `negligible`). Stable: it
       does not, and the total change is within `stable_within` noise standard deviations of zero, with more than
       `confidence` probability on either side (two one-sided tests: Schuirmann 1987); or all values are equal. Else the
       data cannot say.

    Multiplying the values by a positive number or shifting them changes nothing but the units; changing their sign
    exchanges improving and declining.

    Args:
        values: The series in time order, shape `(n,)`. Non-finite values are left out and counted.
        positions: Where each stands (episode, step, seconds), shape `(n,)`; its index where none is given.
        confidence: Of the interval, two-sided.
        higher_is_better: False for a loss: then downwards is improving.
        stable_within: How large a change, in noise standard deviations, may still be called stable.
        negligible: A change of so many noise standard deviations or fewer is no trend; 0 calls every proven change one.

    Returns:
        The verdict and its numbers; fewer than 10 finite values, or no two positions, give `not enough data` and NaN.
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
    """What is known of the linear change of finite values over places from 0 to 1, and the noise around the curve.

    Args:
        values: Shape `(n,)`, `n >= 10`, of ordinary size.
        places: Shape `(n,)`, rising from 0 to 1.
    """
    edges = block_edges(values.size)
    center = float(np.median(values))
    heights = drawn_in(block_means(values - center, edges))
    where = block_means(places, edges)
    degree = 1 + (heights.size >= _QUADRATIC_FROM) + (heights.size >= _CUBIC_FROM)
    powers = np.vander(where - where.mean(), degree + 1, increasing=True)
    basis, triangle = np.linalg.qr(powers)
    regression = regress(heights, basis, values.size)
    # The linear coefficient of the orthogonal basis, for a line of slope 1.
    contrast = np.zeros(degree + 1)
    contrast[1] = 1.0 / triangle[1, 1]
    curve = np.linalg.solve(triangle, regression.weights @ regression.coefficients)
    fitted = np.polynomial.polynomial.polyval(places - where.mean(), curve)
    return regression.combination(contrast), robust_deviation(values - center - fitted)


def drawn_in(heights: NDArray[np.float64], limit: float = _CLIP) -> NDArray[np.float64]:
    """The heights, each drawn in to at most `limit` robust standard deviations from their Theil-Sen line.

    Where more than half of them lie on the line, nothing says how wide the rest should be, and nothing is drawn in.
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
    """Interquartile range over 1.349 (for a normal sample, the standard deviation); the plain one where half agree."""
    lower, upper = np.quantile(values, (0.25, 0.75))
    spread = float(upper - lower) / _NORMAL_IQR
    return spread if spread > 0.0 else float(values.std())
