"""How many more runs it takes to tell two groups apart."""

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
"""Half of all true effects are taken to be below this, in standard deviations of a single run."""
_FREEDOMS = (*range(1, 21), 25, 30, 40, 60, 100, 200, 1_000, 10_000)


class MoreRuns(NamedTuple):
    """What more runs would bring.

    Attributes:
        needed: Further runs of each group after which the difference is shown with the wanted chance, if the true
            difference is the one seen; `None` if 200 are not enough, or nothing can be foretold.
        chance: The chance that it is shown after so many more (200 where `needed` is `None`), with all that the runs at
            hand leave open.
    """

    needed: int | None
    chance: float


def power(first: int, second: int, effect: float, *, level: float = 0.05) -> float:
    """Chance that a difference of so many standard deviations is shown by groups of so many runs.

    `P(|T| > t)`, with `T` noncentral t of `n + m - 2` degrees of freedom and shift `effect / sqrt(1/n + 1/m)` (Cohen
    1988, Statistical Power Analysis, 2.5); normal outcomes of equal spread. Colas et al. 2018 (arXiv 1806.08295) use it
    for seeds.

    Args:
        first: Runs of the first group, at least 2.
        second: Of the second.
        effect: The true difference over the spread of a single run.
        level: Of the test, two-sided.

    Raises:
        ValueError: A group has fewer than 2 runs.
    """
    if min(first, second) < FEWEST_RUNS:
        raise ValueError(f"{min(first, second)} runs: a test needs at least {FEWEST_RUNS} in each group")
    freedom = first + second - 2
    reach, shift = t_quantile(1.0 - 0.5 * level, freedom), effect / math.sqrt(1.0 / first + 1.0 / second)
    return 1.0 - noncentral_t_cdf(reach, freedom, shift) + noncentral_t_cdf(-reach, freedom, shift)


def runs_needed(effect: float, *, wanted: float = 0.8, level: float = 0.05, most: int = 100_000) -> int | None:
    """Runs of each group with which a difference of so many standard deviations is shown with the wanted chance."""
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
    """How many further runs of each group would show the difference, from the runs at hand.

    `needed` is for a true effect as large as Hedges' g of the runs at hand, with `power`. That effect is uncertain, so
    the chance that goes with it is a prediction: means and spread are drawn from what the runs leave possible (normal
    outcomes of one spread: three runs know too little of a spread of their own), further runs are drawn for each, and
    the test is put to all of them together (predictive power: Spiegelhalter, Freedman and Blackburn 1986, Controlled
    Clinical Trials 7). Small true effects are more frequent than large ones: the prior of the effect is Cauchy's, as in
    Rouder et al. 2009 (Psychonomic Bulletin and Review 16), with half of its effects below 1.25, the other priors are
    flat (draws are weighted by it). Without it the chance is too hopeful by ten points where effects spread as N(0, 1).
    Neither is "observed power", which is the p-value in other words (Hoenig and Heisey 2001, American Statistician 55).

    Args:
        first: Outcomes of the first group's runs, shape `(n,)`; those that are not finite are left out.
        second: Of the second group's, shape `(m,)`.
        generator: Draws what may come.
        wanted: Chance that is enough.
        level: Of the test, two-sided.
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
    """Further runs of each group, by halving; `None` above the most that are thought of."""
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
    """A group's possible truths: `sigma` drawn for both groups, `mu = m + sigma z / sqrt(n)`."""

    def __init__(self, group: Moments, deviation: NDArray[np.float64], generator: np.random.Generator) -> None:
        self.group = group
        self.deviation = deviation
        self.mean = group.mean + deviation * generator.standard_normal(_DRAWS) / math.sqrt(group.size)

    def after(
        self, further: int, generator: np.random.Generator
    ) -> tuple[int, NDArray[np.float64], NDArray[np.float64]]:
        """Count, means and variances of the runs at hand together with so many more."""
        n, total = self.group.size, self.group.size + further
        new = self.mean + self.deviation * generator.standard_normal(_DRAWS) / math.sqrt(further)
        inner = generator.chisquare(further - 1, _DRAWS) if further > 1 else np.zeros(_DRAWS)
        squares = (n - 1) * self.group.variance + self.deviation**2 * inner
        squares = squares + n * further / total * (new - self.group.mean) ** 2
        return total, (n * self.group.mean + further * new) / total, squares / (total - 1)


def _shown(groups: list[tuple[int, NDArray[np.float64], NDArray[np.float64]]], level: float) -> NDArray[np.bool_]:
    """In which of the futures a difference is shown: by Student's t in groups of one size, as `power`, else Welch's."""
    (n, mean_a, variance_a), (m, mean_b, variance_b) = groups
    parts = variance_a / n, variance_b / m
    total = parts[0] + parts[1]
    freedom = total**2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1)) if n != m else np.full(_DRAWS, n + m - 2.0)
    # Linear in the inverse, as `welch.t_quantile`.
    reach = np.interp(1.0 / freedom, [1.0 / place for place in _FREEDOMS[::-1]], _reaches(level)[::-1])
    shown: NDArray[np.bool_] = np.abs(mean_a - mean_b) > reach * np.sqrt(total)
    return shown


@lru_cache(maxsize=64)
def _reaches(level: float) -> tuple[float, ...]:
    return tuple(t_quantile(1.0 - 0.5 * level, place) for place in _FREEDOMS)
