"""Student's and Welch's t for two groups of independent values, including the noncentral t distribution."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.series.student_t import normal_quantile, student_t_cdf, student_t_quantile

_NORMAL_FREEDOM = 2_000
_FEWEST = 2
_GRID = 400


class Moments(NamedTuple):
    """Sample size, mean and variance of a group.

    Attributes:
        size: Number of values.
        mean: Mean in the units of the values.
        variance: Sample variance with divisor `n - 1`, in squared units; NaN for fewer than 2 values.
    """

    size: int
    mean: float
    variance: float


def moments_of(values: NDArray[np.float64]) -> Moments:
    """Return the size, mean and variance of finite values.

    Args:
        values: Finite values, shape `(n,)`.
    """
    size = int(values.size)
    variance = float(values.var(ddof=1)) if size >= _FEWEST else math.nan
    return Moments(size, float(values.mean()) if size else math.nan, variance)


class Difference(NamedTuple):
    """Difference of two means, first minus second.

    Attributes:
        estimate: Difference in the units of the values.
        error: Standard error of the difference, same units.
        freedom: Degrees of freedom; can be fractional.
    """

    estimate: float
    error: float
    freedom: float

    @property
    def p_value(self) -> float:
        """Two-sided p-value of no difference.

        Without any spread, it is 1 if the means are equal and 0 if they differ. It is NaN if the standard error is
        unknown.
        """
        if math.isnan(self.error):
            return math.nan
        if self.error == 0.0:
            return 1.0 if self.estimate == 0.0 else 0.0
        return 2.0 * float(t_cdf(-abs(self.estimate) / self.error, self.freedom))

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the two-sided confidence interval; NaN if the standard error is unknown."""
        if math.isnan(self.error):
            return math.nan, math.nan
        half = t_quantile(0.5 + 0.5 * confidence, self.freedom) * self.error
        return self.estimate - half, self.estimate + half


def welch(first: Moments, second: Moments) -> Difference:
    """Return the difference of two means, with Satterthwaite's degrees of freedom.

    `SE^2 = s1^2/n1 + s2^2/n2`, `nu = SE^4 / (sum (s^2/n)^2 / (n - 1))` (Welch 1947, Biometrika 34).

    Returns:
        The difference; its standard error is NaN if a group has fewer than 2 values.
    """
    return welch_over_tasks([(first, second)])


def student(first: Moments, second: Moments) -> Difference:
    """Return the difference of two means, assuming equal variances (Student 1908, Biometrika 6).

    `SE^2 = s^2 (1/n1 + 1/n2)`, `s^2 = sum (n - 1) s_i^2 / nu`, `nu = n1 + n2 - 2`.

    Returns:
        The difference; its standard error is NaN if a group has fewer than 2 values.
    """
    estimate = first.mean - second.mean
    if min(first.size, second.size) < _FEWEST:
        return Difference(estimate, math.nan, math.nan)
    freedom = first.size + second.size - 2
    pooled = ((first.size - 1) * first.variance + (second.size - 1) * second.variance) / freedom
    return Difference(estimate, math.sqrt(pooled * (1.0 / first.size + 1.0 / second.size)), float(freedom))


def welch_over_tasks(pairs: Sequence[tuple[Moments, Moments]]) -> Difference:
    """Return the mean over tasks of the difference on each task.

    The tasks are fixed and their errors independent: `SE^2 = sum_k SE_k^2 / K^2`, with Satterthwaite's (1946,
    Biometrics Bulletin 2) degrees of freedom over all parts. For one task this equals `welch`.

    Args:
        pairs: Moments of the first and the second group, for each task.
    """
    if not pairs:
        return Difference(math.nan, math.nan, math.nan)
    groups = [group for pair in pairs for group in pair]
    estimate = math.fsum(first.mean - second.mean for first, second in pairs) / len(pairs)
    if min(group.size for group in groups) < _FEWEST:
        return Difference(estimate, math.nan, math.nan)
    parts = [group.variance / group.size for group in groups]
    total = math.fsum(parts)
    if total == 0.0:
        return Difference(estimate, 0.0, float(sum(group.size - 1 for group in groups)))
    # Divide first, because the squares of the parts can overflow.
    freedom = 1.0 / sum((part / total) ** 2 / (group.size - 1) for part, group in zip(parts, groups, strict=True))
    return Difference(estimate, math.sqrt(total) / len(pairs), freedom)


def t_cdf(t: float, freedom: float) -> float:
    """Return the cumulative distribution function of Student's t distribution.

    Between integer degrees of freedom, it is interpolated linearly in their inverse.
    """
    low, share = _between(freedom)
    if low is None:
        return _normal_cdf(t)
    below = float(student_t_cdf(t, low))
    return below if share == 0.0 else (1.0 - share) * below + share * float(student_t_cdf(t, low + 1))


def t_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t distribution.

    Between integer degrees of freedom, it is interpolated linearly in their inverse.
    """
    low, share = _between(freedom)
    if low is None:
        return normal_quantile(probability)
    below = _whole_quantile(probability, low)
    return below if share == 0.0 else (1.0 - share) * below + share * _whole_quantile(probability, low + 1)


def noncentral_t_cdf(t: float, freedom: float, shift: float) -> float:
    """Return the cumulative distribution function of the noncentral t distribution, `(Z + shift) / sqrt(chi2_nu / nu)`.

    `E[Phi(t S - shift)]` over `S = sqrt(chi2_nu / nu)`, summed over a grid of 400 values of `S` (Johnson, Kotz and
    Balakrishnan 1995, Continuous Univariate Distributions 2, 31.5). The absolute error is about 1e-6.

    Args:
        t: Point to evaluate.
        freedom: Degrees of freedom; can be fractional.
        shift: Noncentrality parameter.
    """
    places, weights = _scales(round(freedom, 3))
    return float(weights @ _normal_cdfs(t * places - shift))


def shift_interval(t: float, freedom: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the confidence interval of the noncentrality parameter, given an observed `t`.

    `P(T >= t | low) = P(T <= t | high)`, each equal to half of `1 - confidence` (Steiger and Fouladi 1997, What If
    There Were No Significance Tests, chapter 9).

    Args:
        t: Observed t statistic.
        freedom: Degrees of freedom; can be fractional.
        confidence: Two-sided confidence level, in (0, 1).
    """
    tail = 0.5 * (1.0 - confidence)
    reach = abs(t) + 10.0 * math.sqrt(1.0 + t * t / max(freedom, 1.0))
    return _shift_at(t, freedom, 1.0 - tail, reach), _shift_at(t, freedom, tail, reach)


def _shift_at(t: float, freedom: float, probability: float, reach: float) -> float:
    low, high = t - 2.0 * reach, t + 2.0 * reach
    for _ in range(32):
        middle = 0.5 * (low + high)
        if noncentral_t_cdf(t, freedom, middle) > probability:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _between(freedom: float) -> tuple[int | None, float]:
    """Return the integer degrees of freedom below, and the interpolation weight of the next ones (in the inverse)."""
    if freedom >= _NORMAL_FREEDOM:
        return None, 0.0
    low = max(1, math.floor(freedom))
    here = max(freedom, 1.0)
    return low, (1.0 / low - 1.0 / here) / (1.0 / low - 1.0 / (low + 1))


@lru_cache(maxsize=4096)
def _whole_quantile(probability: float, freedom: int) -> float:
    return student_t_quantile(probability, freedom)


@lru_cache(maxsize=512)
def _scales(freedom: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a grid of values of `sqrt(chi2_nu / nu)`, and the probability of each."""
    spread = 1.0 / math.sqrt(2.0 * freedom)
    places = np.linspace(max(1e-6, 1.0 - 9.0 * spread), 1.0 + 9.0 * spread, _GRID)
    logs = (freedom - 1.0) * np.log(places) - 0.5 * freedom * places * places
    weights = np.exp(logs - logs.max())
    return places, weights / weights.sum()


def _normal_cdf(value: float) -> float:
    return 0.5 * math.erfc(-value * math.sqrt(0.5))


def _normal_cdfs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normal CDF, interpolated linearly on a grid with step 1/1000; the error is below 3e-8."""
    places, chances = _normal_table()
    return np.interp(values, places, chances)


@lru_cache(maxsize=1)
def _normal_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    places = np.linspace(-9.0, 9.0, 18_001)
    return places, np.array([_normal_cdf(place) for place in places.tolist()])
