"""Statistical power, and the number of additional runs needed to detect a difference."""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.groups.run_intervals import FEWEST_RUNS, finite
from rlvitals.stats.groups.welch import Moments, moments_of, noncentral_t_cdf, t_quantile

MOST_RUNS = 200
_DRAWS = 4_000
_TYPICAL = 1.25
"""Prior median of the size of the true effect, in standard deviations of a single run."""
_FREEDOMS = (*range(1, 21), 25, 30, 40, 60, 100, 200, 1_000, 10_000)


class MoreRuns(NamedTuple):
    """Expected effect of additional runs.

    Attributes:
        needed: Number of additional runs of each group that give the desired power, if the true difference equals the
            observed one. `None` if 200 are not enough, or if no prediction is possible.
        chance: Predictive power, 0 to 1: the probability of a significant difference after `needed` additional runs
            (200 if `needed` is `None`), including the uncertainty of the existing runs.
    """

    needed: int | None
    chance: float


def power(first: int, second: int, effect: float, *, level: float = 0.05) -> float:
    """Return the probability that a two-sample t test detects a difference of a given effect size.

    `P(|T| > t)`, with `T` noncentral t of `n + m - 2` degrees of freedom and shift `effect / sqrt(1/n + 1/m)` (Cohen
    1988, Statistical Power Analysis, 2.5). It assumes normal outcomes of equal variance. Colas et al. 2018 (arXiv
    1806.08295) use it for seeds.

    Args:
        first: Number of runs of the first group, at least 2.
        second: Number of runs of the second group, at least 2.
        effect: True difference in standard deviations of a single run.
        level: Two-sided significance level of the test.

    Raises:
        ValueError: A group has fewer than 2 runs.
    """
    if min(first, second) < FEWEST_RUNS:
        raise ValueError(f"a group has {min(first, second)} runs; each needs at least {FEWEST_RUNS} for a test")
    freedom = first + second - 2
    reach, shift = t_quantile(1.0 - 0.5 * level, freedom), effect / math.sqrt(1.0 / first + 1.0 / second)
    return 1.0 - noncentral_t_cdf(reach, freedom, shift) + noncentral_t_cdf(-reach, freedom, shift)


def runs_needed(effect: float, *, wanted: float = 0.8, level: float = 0.05, most: int = 100_000) -> int | None:
    """Return the number of runs per group needed to detect a difference of a given effect size.

    Args:
        effect: True difference in standard deviations of a single run.
        wanted: Desired power, 0 to 1.
        level: Two-sided significance level of the test.
        most: Maximum number of runs per group.

    Returns:
        The number of runs per group, or `None` if it exceeds `most`.
    """
    low, high = 1, 2
    while power(high, high, effect, level=level) < wanted:
        low, high = high, 2 * high
        if high > most:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if power(middle, middle, effect, level=level) < wanted:
            low = middle
        else:
            high = middle
    return high


def more_runs(
    first: ArrayLike,
    second: ArrayLike,
    generator: np.random.Generator,
    *,
    wanted: float = 0.8,
    level: float = 0.05,
) -> MoreRuns:
    """Return the number of additional runs of each group needed to detect the difference between existing runs.

    `needed` assumes a true effect equal to Hedges' g of the existing runs, and uses `power`. Because that effect is
    uncertain, `chance` is a predictive power (Spiegelhalter, Freedman and Blackburn 1986, Controlled Clinical Trials
    7). Means and standard deviations are drawn from their posterior given the existing runs. Additional runs are drawn
    for each, and the test is applied to all runs together. Outcomes are assumed normal with a common variance, because
    three runs do not determine a separate one.

    Small true effects are more frequent than large ones. The prior of the effect is therefore a Cauchy distribution, as
    in Rouder et al. 2009 (Psychonomic Bulletin and Review 16), with half of the effects below 1.25. The draws are
    weighted by it; the other priors are flat. Without it, the chance is ten points too optimistic for effects
    distributed as N(0, 1).

    Neither value is "observed power", which is only a transformation of the p-value (Hoenig and Heisey 2001, American
    Statistician 55).

    Args:
        first: Outcomes of the runs of the first group, shape `(n,)`. Non-finite values are left out.
        second: Outcomes of the runs of the second group, shape `(m,)`. Non-finite values are left out.
        generator: Random generator for the simulated runs.
        wanted: Desired power, 0 to 1.
        level: Two-sided significance level of the test.
    """
    a, b = moments_of(finite(first)), moments_of(finite(second))
    if min(a.size, b.size) < FEWEST_RUNS or not a.variance + b.variance > 0.0:
        return MoreRuns(None, math.nan)
    freedom = a.size + b.size - 2
    squares = (a.size - 1) * a.variance + (b.size - 1) * b.variance
    bias = math.exp(math.lgamma(0.5 * freedom) - math.lgamma(0.5 * (freedom - 1)) - 0.5 * math.log(0.5 * freedom))
    effect = bias * (a.mean - b.mean) / math.sqrt(squares / freedom)
    needed = _needed(a.size, b.size, effect, wanted, level)
    deviation = np.sqrt(squares / generator.chisquare(freedom, _DRAWS))
    futures = [_Future(group, deviation, generator) for group in (a, b)]
    further = MOST_RUNS if needed is None else needed
    shown = _shown([future.after(further, generator) for future in futures], level)
    weights = 1.0 / (1.0 + ((futures[0].mean - futures[1].mean) / (_TYPICAL * deviation)) ** 2) / deviation
    return MoreRuns(needed, float(weights @ shown / weights.sum()))


def _needed(first: int, second: int, effect: float, wanted: float, level: float) -> int | None:
    """Return the number of additional runs of each group, found by bisection; `None` if it exceeds `MOST_RUNS`."""
    low, high = 0, MOST_RUNS
    if power(first + high, second + high, effect, level=level) < wanted:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if power(first + middle, second + middle, effect, level=level) < wanted:
            low = middle
        else:
            high = middle
    return high


class _Future:
    """Posterior draws for one group: `sigma` drawn for both groups, `mu = m + sigma z / sqrt(n)`."""

    def __init__(self, group: Moments, deviation: NDArray[np.float64], generator: np.random.Generator) -> None:
        self.group = group
        self.deviation = deviation
        self.mean = group.mean + deviation * generator.standard_normal(_DRAWS) / math.sqrt(group.size)

    def after(
        self, further: int, generator: np.random.Generator
    ) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
        """Return the size, means and variances of the existing runs together with `further` simulated runs."""
        n, total = self.group.size, self.group.size + further
        new = self.mean + self.deviation * generator.standard_normal(_DRAWS) / math.sqrt(further)
        inner = generator.chisquare(further - 1, _DRAWS) if further > 1 else np.zeros(_DRAWS)
        squares = (n - 1) * self.group.variance + self.deviation**2 * inner
        squares = squares + n * further / total * (new - self.group.mean) ** 2
        return total, (n * self.group.mean + further * new) / total, squares / (total - 1)


def _shown(groups: list[tuple[int, NDArray[np.float64], NDArray[np.float64]]], level: float) -> NDArray[np.bool_]:
    """Return in which simulations the difference is significant.

    The test is Student's t for groups of equal size, as in `power`, otherwise Welch's.
    """
    (n, mean_a, variance_a), (m, mean_b, variance_b) = groups
    parts = variance_a / n, variance_b / m
    total = parts[0] + parts[1]
    freedom = total**2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1)) if n != m else np.full(_DRAWS, n + m - 2.0)
    # Interpolated linearly in the inverse, as in `welch.t_quantile`.
    reach = np.interp(1.0 / freedom, [1.0 / place for place in _FREEDOMS[::-1]], _reaches(level)[::-1])
    shown: NDArray[np.bool_] = np.abs(mean_a - mean_b) > reach * np.sqrt(total)
    return shown


@lru_cache(maxsize=64)
def _reaches(level: float) -> tuple[float, ...]:
    return tuple(t_quantile(1.0 - 0.5 * level, place) for place in _FREEDOMS)
