"""Student's t distribution for integer degrees of freedom, from finite sums, without SciPy."""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution, for `0 < probability < 1`."""
    return NormalDist().inv_cdf(probability)


def student_t_cdf(t: ArrayLike, degrees_of_freedom: int) -> NDArray[np.float64]:
    """Return the cumulative distribution function of Student's t distribution.

    With `theta = arctan(t / sqrt(nu))`, `F(t) = (1 + A) / 2` (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4):

        nu odd:  A = 2/pi (theta + sin theta (cos theta + 2/3 cos^3 theta + 2/3 4/5 cos^5 theta + ... up to nu-2))
        nu even: A = sin theta (1 + 1/2 cos^2 theta + 1/2 3/4 cos^4 theta + ... up to nu-2)

    The absolute error is about 1e-15: enough for intervals, but not for tail probabilities of 1e-20.

    Args:
        t: Points to evaluate, any shape. Infinities are allowed.
        degrees_of_freedom: Integer degrees of freedom, `nu >= 1`. The cost grows with it.

    Returns:
        Probabilities, in the shape of `t`.

    Raises:
        ValueError: The degrees of freedom are below 1.
    """
    if degrees_of_freedom < 1:
        raise ValueError(f"degrees_of_freedom must be at least 1, not {degrees_of_freedom}")
    angle = np.arctan(np.asarray(t, dtype=np.float64) / math.sqrt(degrees_of_freedom))
    cosine = np.cos(angle)
    coefficients = _coefficients(degrees_of_freedom)
    squares = np.broadcast_to((cosine * cosine)[..., None], (*cosine.shape, coefficients.size))
    series = coefficients[0] + np.multiply.accumulate(squares[..., 1:], axis=-1) @ coefficients[1:]
    if degrees_of_freedom % 2:
        area = (angle + np.sin(angle) * cosine * series) * (2.0 / math.pi)
    else:
        area = np.sin(angle) * series
    probability: NDArray[np.float64] = np.clip(0.5 + 0.5 * area, 0.0, 1.0)
    return probability


def student_t_density(t: ArrayLike, degrees_of_freedom: int) -> NDArray[np.float64]:
    """Return the probability density of Student's t distribution, in the shape of `t`.

    `Gamma((nu+1)/2) / (sqrt(nu pi) Gamma(nu/2)) (1 + t^2/nu)^(-(nu+1)/2)`.

    Args:
        t: Points to evaluate, any shape.
        degrees_of_freedom: Degrees of freedom, `nu >= 1`.
    """
    nu = float(degrees_of_freedom)
    front = math.lgamma(0.5 * (nu + 1.0)) - math.lgamma(0.5 * nu) - 0.5 * math.log(nu * math.pi)
    where = np.asarray(t, dtype=np.float64)
    density: NDArray[np.float64] = np.exp(front - 0.5 * (nu + 1.0) * np.log1p(where * where / nu))
    return density


def student_t_quantile(probability: float, degrees_of_freedom: int) -> float:
    """Return the quantile of Student's t distribution, found by bisection to the precision of a double.

    Args:
        probability: Probability of the quantile, in (0, 1).
        degrees_of_freedom: Integer degrees of freedom, at least 1.

    Raises:
        ValueError: The probability is not in (0, 1).
    """
    if not 0.0 < probability < 1.0:
        raise ValueError(f"probability must be in (0, 1), not {probability}")
    if probability == 0.5:  # noqa: PLR2004 -- the median of a symmetric distribution
        return 0.0
    wanted = max(probability, 1.0 - probability)
    low, high = 0.0, 1.0
    while float(student_t_cdf(high, degrees_of_freedom)) < wanted:
        low, high = high, 2.0 * high
    middle = 0.5 * (low + high)
    while low < middle < high:
        if float(student_t_cdf(middle, degrees_of_freedom)) < wanted:
            low = middle
        else:
            high = middle
        middle = 0.5 * (low + high)
    return math.copysign(middle, probability - 0.5)


@lru_cache(maxsize=256)
def _coefficients(degrees_of_freedom: int) -> NDArray[np.float64]:
    """Return the coefficients of the powers of `cos^2 theta`.

    They are `2/3 4/5 ...` for odd and `1/2 3/4 ...` for even degrees of freedom.
    """
    if degrees_of_freedom == 1:
        return np.zeros(1)
    start = 2 if degrees_of_freedom % 2 else 1
    ratios = [k / (k + 1.0) for k in range(start, degrees_of_freedom - 2, 2)]
    coefficients: NDArray[np.float64] = np.cumprod(np.array([1.0, *ratios]))
    coefficients.flags.writeable = False
    return coefficients
