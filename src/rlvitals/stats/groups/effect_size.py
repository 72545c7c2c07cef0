"""How large a difference between two groups of runs is, without units: Hedges' g, the probability of improvement."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.run_intervals import FEWEST_RUNS, finite
from rlvitals.stats.groups.welch import moments_of, shift_interval, t_quantile

_FEWEST_FOR_KURTOSIS = 4


def hedges_g(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> PairedEffect:
    """Difference of two means in pooled standard deviations, without the bias of small groups.

    `g = J d`, `d = (m1 - m2) / s`, `J = Gamma(nu/2) / (sqrt(nu/2) Gamma((nu-1)/2))` (Hedges 1981, Journal of
    Educational Statistics 6). The interval is of the true effect, from the noncentral t distribution, which supposes
    normal outcomes of equal spread; heavier tails widen both sides by the square root of

        1 + (d^2 k / 4 N) / (1/n + 1/m + d^2 / 2 nu),   k = the excess kurtosis within groups (G2), at least 0

    as a spread that is measured on fewer extreme runs is less certain (delta method). For skewed outcomes and large
    effects that is not enough, as few runs do not show the spread of all (`docs/comparison.md`).

    Returns:
        The effect; NaN where a group has fewer than 2 values or no value differs from another.
    """
    mine, theirs = finite(first), finite(second)
    a, b = moments_of(mine), moments_of(theirs)
    if min(a.size, b.size) < FEWEST_RUNS:
        return PairedEffect(math.nan, math.nan, math.nan)
    freedom = a.size + b.size - 2
    spread = math.sqrt(((a.size - 1) * a.variance + (b.size - 1) * b.variance) / freedom)
    if not spread > 0.0:
        return PairedEffect(math.nan, math.nan, math.nan)
    effect = (a.mean - b.mean) / spread
    bias = math.exp(math.lgamma(0.5 * freedom) - math.lgamma(0.5 * (freedom - 1)) - 0.5 * math.log(0.5 * freedom))
    scale = math.sqrt(1.0 / a.size + 1.0 / b.size)
    low, high = shift_interval(effect / scale, float(freedom), confidence)
    inside = np.concatenate([mine - a.mean, theirs - b.mean]) / spread
    wider = math.sqrt(
        1.0 + effect**2 * _excess(inside) / (4.0 * inside.size * (scale**2 + effect**2 / (2.0 * freedom)))
    )
    middle = bias * effect
    return PairedEffect(middle, middle - wider * (middle - low * scale), middle + wider * (high * scale - middle))


def _excess(centred: NDArray[np.float64]) -> float:
    """Excess kurtosis with the bias of small samples taken out, at least 0 (Joanes and Gill 1998, Statistician 47)."""
    n = centred.size
    if n < _FEWEST_FOR_KURTOSIS:
        return 0.0
    ratio = float((centred**4).mean() / (centred**2).mean() ** 2)
    return max(0.0, (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * (ratio - 3.0) + 6.0))


def probability_of_improvement(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> PairedEffect:
    """Chance that a run of the first group is better than one of the second, ties counting half.

    `U / (n m)` (Mann and Whitney 1947, Annals of Mathematical Statistics 18). The interval holds every chance `p` with
    `(p_hat - p)^2 <= t^2 V(p)`, `V(p) = p (1 - p) (1 + N ((1 - p) / (2 - p) + p / (1 + p))) / (n m)` and
    `N = (n + m) / 2 - 1` (Newcombe 2006, Statistics in Medicine 25, method 5), with Student's `t` of `n + m - 2`
    degrees of freedom in place of the normal quantile. It needs no spread within the groups, so it stands also where
    every run of one beats every run of the other.

    Args:
        first: Outcomes of the first group's runs; -infinity for those that have none counts as worst, NaN is left out.
        second: Of the second group's.
        confidence: Two-sided.

    Returns:
        The chance, 0 to 1, and its interval; NaN where a group is empty, without ends where both have one value.
    """
    a, b = (np.asarray(group, dtype=np.float64).ravel() for group in (first, second))
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    n, m = a.size, b.size
    if not n or not m:
        return PairedEffect(math.nan, math.nan, math.nan)
    ordered = np.sort(b)
    below, until = np.searchsorted(ordered, a, side="left"), np.searchsorted(ordered, a, side="right")
    chance = float((below + until).sum()) / (2.0 * n * m)
    if n + m <= FEWEST_RUNS:
        return PairedEffect(chance, math.nan, math.nan)
    reach = t_quantile(0.5 + 0.5 * confidence, n + m - 2)
    return PairedEffect(chance, _end(chance, 0.0, n, m, reach), _end(chance, 1.0, n, m, reach))


def _end(chance: float, outside: float, n: int, m: int, reach: float) -> float:
    """The farthest chance towards 0 or 1 that is not refused."""
    inside, pairs = chance, 0.5 * (n + m) - 1.0
    for _ in range(60):
        p = 0.5 * (inside + outside)
        variance = p * (1.0 - p) * (1.0 + pairs * ((1.0 - p) / (2.0 - p) + p / (1.0 + p))) / (n * m)
        if (chance - p) ** 2 <= reach * reach * variance:
            inside = p
        else:
            outside = p
    return inside
