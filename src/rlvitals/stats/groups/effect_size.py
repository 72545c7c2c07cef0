"""Effect sizes for two groups of runs: Hedges' g and the probability of improvement."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.run_intervals import FEWEST_RUNS, finite
from rlvitals.stats.groups.welch import moments_of, shift_interval, t_quantile

_FEWEST_FOR_KURTOSIS = 4


def hedges_g(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> PairedEffect:
    """Return Hedges' g: the difference of two means in pooled standard deviations, corrected for small samples.

    `g = J d`, `d = (m1 - m2) / s`, `J = Gamma(nu/2) / (sqrt(nu/2) Gamma((nu-1)/2))` (Hedges 1981, Journal of
    Educational Statistics 6). The interval of the true effect uses the noncentral t distribution, which assumes normal
    outcomes of equal variance. For heavier tails, both sides are widened by the square root of

        1 + (d^2 k / 4 N) / (1/n + 1/m + d^2 / 2 nu),   k = the excess kurtosis within groups (G2), at least 0

    because extreme runs make the estimated spread less certain (delta method). This is not sufficient for skewed
    outcomes and large effects, because few runs do not show the full spread (`docs/validation/comparison.md`).

    Args:
        first: Outcomes of the runs of the first group, shape `(n,)`. Non-finite values are left out.
        second: Outcomes of the runs of the second group, shape `(m,)`. Non-finite values are left out.
        confidence: Two-sided confidence level, in (0, 1).

    Returns:
        The effect size and its interval; NaN if a group has fewer than 2 values or no group has any spread.
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
    """Return the bias-corrected excess kurtosis, at least 0 (Joanes and Gill 1998, Statistician 47)."""
    n = centred.size
    if n < _FEWEST_FOR_KURTOSIS:
        return 0.0
    ratio = float((centred**4).mean() / (centred**2).mean() ** 2)
    return max(0.0, (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * (ratio - 3.0) + 6.0))


def probability_of_improvement(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> PairedEffect:
    """Return the probability that a run of the first group beats one of the second; ties count half.

    `U / (n m)` (Mann and Whitney 1947, Annals of Mathematical Statistics 18). The interval contains every probability
    `p` with `(p_hat - p)^2 <= t^2 V(p)`, `V(p) = p (1 - p) (1 + N ((1 - p) / (2 - p) + p / (1 + p))) / (n m)` and
    `N = (n + m) / 2 - 1` (Newcombe 2006, Statistics in Medicine 25, method 5). Student's `t` with `n + m - 2` degrees
    of freedom replaces the normal quantile. The interval does not need any spread within the groups, so it is also
    valid if every run of one group beats every run of the other.

    Args:
        first: Outcomes of the runs of the first group, shape `(n,)`. Use -infinity, which counts as worst, for runs
            without an outcome. NaN is left out.
        second: Outcomes of the runs of the second group, shape `(m,)`, in the same form.
        confidence: Two-sided confidence level, in (0, 1).

    Returns:
        The probability, 0 to 1, and its interval. All are NaN if a group is empty; the ends are NaN if both have one
        value.
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
    """Return the farthest probability towards 0 or 1 that is not rejected."""
    inside, pairs = chance, 0.5 * (n + m) - 1.0
    for _ in range(60):
        p = 0.5 * (inside + outside)
        variance = p * (1.0 - p) * (1.0 + pairs * ((1.0 - p) / (2.0 - p) + p / (1.0 + p))) / (n * m)
        if (chance - p) ** 2 <= reach * reach * variance:
            inside = p
        else:
            outside = p
    return inside
