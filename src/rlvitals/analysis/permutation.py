"""Whether two groups of runs differ: a permutation test, and the interval of the difference that goes with it."""

import math
from functools import lru_cache
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.analysis.paired import Effect
from rlvitals.analysis.samples import FEWEST_RUNS, finite
from rlvitals.analysis.welch import moments_of, welch

Method = Literal["exact permutations", "drawn permutations", "Welch's t", "none"]

MOST_EXACT = 10_000
DRAWS = 4_999
_ENOUGH = 10.0
"""Arrangements times level, from which on the steps of the p-value are a tenth of the level at most."""
_SAME = 1e-9
_CHUNK = 1 << 22


class Tested(NamedTuple):
    """The difference of the means of two groups, and whether it is shown.

    Attributes:
        difference: Mean of the first less mean of the second, and its interval.
        p_value: Two-sided, of no difference; NaN where a group has fewer than 2 values.
        method: How it was tested.
        arrangements: In how many ways the values can be dealt to the groups.
    """

    difference: Effect
    p_value: float
    method: Method
    arrangements: int


def compare_groups(
    first: ArrayLike, second: ArrayLike, generator: np.random.Generator, *, level: float = 0.05, comparisons: int = 1
) -> Tested:
    """Test whether two groups of independent runs have the same mean, and give the interval of the difference.

    The values are dealt to the groups in every way (above 10000 ways: in 4999 drawn ones, what was seen counting as
    one more: Phipson and Smyth 2010, Statistical Applications in Genetics and Molecular Biology 9), and Welch's t is
    computed for each; the p-value is the share that is at least as large. It is exact, whatever the distribution, where
    both groups have the same one (Pitman 1937, Supplement to the Journal of the Royal Statistical Society 4), and holds
    in the limit where only the means agree (Janssen 1997, Statistics and Probability Letters 36; Chung and Romano 2013,
    Annals of Statistics 41). The interval holds every difference which, once taken off the first group, the same test
    does not refuse: so interval and p-value never disagree.

    Where there are too few ways for the level (fewer than 10 over the level: 3 + 3 runs have 20, so that no p-value is
    below 0.1), Welch's t itself takes its place, which supposes that outcomes are roughly normal.

    Args:
        first: Outcomes of the first group's runs, shape `(n,)`; those that are not finite are left out.
        second: Of the second group's, shape `(m,)`.
        generator: Draws permutations.
        level: Of the test; the interval has confidence `1 - level`.
        comparisons: How many tests share the level: there must be ways enough for its share of one.
    """
    a, b = finite(first), finite(second)
    ways = math.comb(a.size + b.size, a.size)
    plain = welch(moments_of(a), moments_of(b))
    if min(a.size, b.size) < FEWEST_RUNS:
        return Tested(Effect(plain.estimate, math.nan, math.nan), math.nan, "none", ways)
    unit = float(np.abs(np.concatenate([a, b])).max())
    flat = not plain.error > _SAME * unit
    if flat or ways < _ENOUGH * comparisons / level:
        low, high = (plain.estimate, plain.estimate) if flat else plain.interval(1.0 - level)
        same = flat and abs(plain.estimate) <= _SAME * unit
        p_value = float(same) if flat else plain.p_value
        return Tested(Effect(plain.estimate, low, high), p_value, "Welch's t", ways)
    exact = ways <= MOST_EXACT
    dealt = _dealt(a, b, _arrangements(a.size, b.size) if exact else None, generator)
    low, high = (_end(dealt, plain.estimate, side * plain.error, level) for side in (-1.0, 1.0))
    method: Method = "exact permutations" if exact else "drawn permutations"
    return Tested(Effect(plain.estimate, low, high), dealt.p_value(0.0), method, ways)


class _Dealt(NamedTuple):
    """Sums over the first group in each arrangement, from which those after any shift follow."""

    sizes: tuple[int, int]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    shifted: NDArray[np.float64]
    crossed: NDArray[np.float64]
    totals: tuple[float, float, float]

    def p_value(self, shift: float) -> float:
        """Of the first group's values less the shift being as the second's; what was seen is the first arrangement."""
        n, m = self.sizes
        first = self.sums - shift * self.shifted
        first_squares = self.squares - 2.0 * shift * self.crossed + shift * shift * self.shifted
        total, total_squares, own = self.totals
        second = total - shift * n - first
        second_squares = total_squares - 2.0 * shift * own + shift * shift * n - first_squares
        spread = np.maximum(first_squares - first * first / n, 0.0) / (n * (n - 1)) + np.maximum(
            second_squares - second * second / m, 0.0
        ) / (m * (m - 1))
        tiny = 1e-12 * float(spread.max()) if spread.size else 0.0
        statistic = np.abs(first / n - second / m) / np.sqrt(np.maximum(spread, max(tiny, 1e-300)))
        reached = int(np.count_nonzero(statistic >= statistic[0] * (1.0 - _SAME)))
        return reached / statistic.size


def _dealt(
    a: NDArray[np.float64], b: NDArray[np.float64], chosen: NDArray[np.float64] | None, generator: np.random.Generator
) -> _Dealt:
    # Centred and scaled, so that squares lose no digits.
    pooled = np.concatenate([a, b])
    pooled = pooled - pooled.mean()
    mine = np.concatenate([np.ones(a.size), np.zeros(b.size)])
    table = np.column_stack([pooled, pooled * pooled, mine, pooled * mine])
    if chosen is not None:
        sums = chosen @ table
    else:
        sums = np.empty((DRAWS + 1, 4))
        sums[0] = mine @ table
        step = max(1, _CHUNK // pooled.size)
        for begin in range(1, DRAWS + 1, step):
            rows = min(step, DRAWS + 1 - begin)
            drawn = generator.permuted(np.broadcast_to(mine, (rows, pooled.size)), axis=1)
            sums[begin : begin + rows] = drawn @ table
    return _Dealt(
        sizes=(a.size, b.size),
        sums=sums[:, 0],
        squares=sums[:, 1],
        shifted=sums[:, 2],
        crossed=sums[:, 3],
        totals=(float(pooled.sum()), float((pooled * pooled).sum()), float((pooled * mine).sum())),
    )


def _end(dealt: _Dealt, estimate: float, step: float, level: float) -> float:
    """The farthest difference on one side that is not refused: doubled steps outwards, then halved."""
    inside, outside = estimate, estimate + step
    for _ in range(60):
        if dealt.p_value(outside) <= level:
            break
        inside, outside = outside, outside + 2.0 * (outside - inside)
    for _ in range(16):
        middle = 0.5 * (inside + outside)
        if dealt.p_value(middle) <= level:
            outside = middle
        else:
            inside = middle
    return 0.5 * (inside + outside)


@lru_cache(maxsize=16)
def _arrangements(n: int, m: int) -> NDArray[np.float64]:
    """Every way of choosing the first group, 1 for who is in it; that which was seen comes first."""
    chosen = np.array(list(combinations(range(n + m), n)), dtype=np.intp)
    table = np.zeros((len(chosen), n + m))
    np.put_along_axis(table, chosen, 1.0, axis=1)
    table.flags.writeable = False
    return table
