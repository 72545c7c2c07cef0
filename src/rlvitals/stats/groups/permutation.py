"""Permutation test for the difference of two groups of runs, with the matching confidence interval."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.run_intervals import finite
from rlvitals.stats.groups.welch import Difference, moments_of, student, welch_over_tasks

Method = Literal[
    "exact permutations", "exact permutations, mid-p", "drawn permutations", "Student's t", "Welch's t", "none"
]

MOST_EXACT = 10_000
DRAWS = 4_999
_ENOUGH = 10.0
"""Minimum of permutations times level at which the p-value has a resolution of a tenth of the level or finer."""
_NEAR = 0.3
"""Largest deviation of the false positive rate of the mid-p test from the level, as a fraction of the level."""
_SAME = 1e-9
_CHUNK = 1 << 22

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


class Tested(NamedTuple):
    """Difference of the means of two groups, with the result of its test.

    Attributes:
        difference: Mean of the first group minus mean of the second, with its confidence interval, in the units of the
            values.
        p_value: Two-sided p-value of no difference; NaN if a group has fewer than 2 values.
        method: Test that was used.
        arrangements: Number of ways to assign the values to the groups.
    """

    difference: PairedEffect
    p_value: float
    method: Method
    arrangements: int


def compare_groups(
    first: ArrayLike,
    second: ArrayLike,
    generator: np.random.Generator,
    *,
    level: float = 0.05,
    comparisons: int = 1,
    interval: bool = True,
) -> Tested:
    """Test whether two groups of independent runs have the same mean.

    This is `compare_over_tasks` with one task.

    Args:
        first: Outcomes of the runs of the first group, shape `(n,)`. Non-finite values are left out.
        second: Outcomes of the runs of the second group, shape `(m,)`. Non-finite values are left out.
        generator: Random generator for the permutations.
        level: Significance level of the test. The interval has confidence `1 - level`.
        comparisons: Number of tests that share the level. There must be enough permutations for the share of one test.
        interval: Whether to compute the confidence interval, which takes ten times as long as the p-value.
    """
    return compare_over_tasks([(first, second)], generator, level=level, comparisons=comparisons, interval=interval)


def compare_over_tasks(
    pairs: Sequence[tuple[ArrayLike, ArrayLike]],
    generator: np.random.Generator,
    *,
    level: float = 0.05,
    comparisons: int = 1,
    interval: bool = True,
) -> Tested:
    """Test whether two groups of independent runs have the same mean on each task, and estimate their mean difference.

    The values of each task are assigned to the groups in every way, and Welch's t over tasks is computed for each
    permutation. Above 10000 permutations, 4999 are drawn at random, and the observed one counts as one more (Phipson
    and Smyth 2010, Statistical Applications in Genetics and Molecular Biology 9). The p-value is the share of
    permutations with a t at least as extreme. It is exact for any distribution if both groups have the same
    distribution on each task (Pitman 1937, Supplement to the Journal of the Royal Statistical Society 4). It is
    asymptotically valid if only the means are equal (Janssen 1997, Statistics and Probability Letters 36; Chung and
    Romano 2013, Annals of Statistics 41). The interval contains every difference that the same test does not reject
    after subtracting it from the first group. Interval and p-value therefore always agree.

    With few permutations, the p-value is coarse. For example, 4 + 4 runs have 70 permutations, two of which are always
    equally extreme, so the two smallest p-values are 2.9 and 5.7 %. If the number of permutations is below 10 divided
    by the level, equally extreme permutations count half (mid-p: Lancaster 1961, JASA 56). This requires that the
    resulting false positive rate is within three tenths of the level. It is 5.7 % with 4 + 4 and 3 + 4 runs, 5.4 % with
    3 + 5, and 4.8 % with 4 + 5. Otherwise (3 + 3: 10 %), the test is Student's t for groups of equal size on one task,
    and Welch's t in other cases. These assume approximately normal outcomes.

    If no group has any spread, the p-value is the mid-p of the permutations, and the interval is the difference itself.
    The ends of the interval are NaN if the groups differ, but not significantly.

    Args:
        pairs: Outcomes of the runs of the first and the second group, for each task. Non-finite values are left out.
        generator: Random generator for the permutations.
        level: Significance level of the test. The interval has confidence `1 - level`.
        comparisons: Number of tests that share the level. There must be enough permutations for the share of one test.
        interval: Whether to compute the confidence interval, which takes ten times as long as the p-value.
    """
    tasks = [(finite(first), finite(second)) for first, second in pairs]
    # Scale by the largest value, because the squares of huge outcomes overflow. A power of 2 causes no rounding.
    largest = max((float(np.abs(group).max()) for task in tasks for group in task if group.size), default=0.0)
    unit = math.ldexp(0.5, math.frexp(largest)[1]) if largest > 0.0 else 1.0
    tasks = [(a / unit, b / unit) for a, b in tasks]
    ways = math.prod(math.comb(a.size + b.size, a.size) for a, b in tasks)
    plain = _plain(tasks)
    if math.isnan(plain.error):
        return Tested(PairedEffect(plain.estimate * unit, math.nan, math.nan), math.nan, "none", ways)
    if not plain.error > _SAME:
        return _flat(tasks, plain.estimate, unit, ways, level)
    method = _method(tasks, ways, level / comparisons)
    if method in {"Student's t", "Welch's t"}:
        low, high = plain.interval(1.0 - level)
        return Tested(PairedEffect(plain.estimate * unit, low * unit, high * unit), plain.p_value, method, ways)
    dealt = _dealt(tasks, method, generator)
    p_value = dealt.p_value(0.0)
    if not interval:
        return Tested(PairedEffect(plain.estimate * unit, math.nan, math.nan), p_value, method, ways)
    low, high = (_end(dealt, plain.estimate, side * plain.error, level) for side in (-1.0, 1.0))
    # With ties, zero can be the exact end of the interval, which bisection only approximates.
    if p_value > level:
        low, high = min(low, 0.0), max(high, 0.0)
    return Tested(PairedEffect(plain.estimate * unit, low * unit, high * unit), p_value, method, ways)


def _plain(tasks: Sequence[Pair]) -> Difference:
    """Return Student's difference for one task with groups of equal size, otherwise Welch's."""
    found = [(moments_of(a), moments_of(b)) for a, b in tasks]
    if len(found) == 1 and found[0][0].size == found[0][1].size:
        return student(*found[0])
    return welch_over_tasks(found)


def _method(tasks: Sequence[Pair], ways: int, level: float) -> Method:
    # `ways` is an integer of any size. Compare it with a float, because converting it to one can overflow.
    if ways >= _ENOUGH / level:
        return "exact permutations" if ways <= MOST_EXACT else "drawn permutations"
    # In groups of equal size, swapping the groups gives an equally extreme permutation.
    even = all(a.size == b.size for a, b in tasks)
    step = 2.0 if even else 1.0
    own = math.floor(ways * level / step + 0.5) * step / ways
    if abs(own / level - 1.0) <= _NEAR:
        return "exact permutations, mid-p"
    return "Student's t" if even and len(tasks) == 1 else "Welch's t"


def _flat(tasks: Sequence[Pair], estimate: float, unit: float, ways: int, level: float) -> Tested:
    """Return the result for groups without any spread.

    Only permutations that separate the groups in the same way are as extreme as the observed one.
    """
    apart = [(a, b) for a, b in tasks if abs(float(a.mean() - b.mean())) > _SAME]
    middle = PairedEffect(estimate * unit, estimate * unit, estimate * unit)
    if not apart:
        return Tested(middle, 1.0, "exact permutations", ways)
    even = all(a.size == b.size for a, b in apart)
    p_value = 0.5 * (2.0 if even else 1.0) / math.prod(math.comb(a.size + b.size, a.size) for a, b in apart)
    if abs(estimate) <= _SAME:
        p_value = 1.0
    if p_value > level:
        middle = PairedEffect(estimate * unit, math.nan, math.nan)
    return Tested(middle, p_value, "exact permutations, mid-p", ways)


class _Dealt(NamedTuple):
    """Parts of Welch's t for each permutation, after any shift `x`: `(d0 - x d1) / sqrt(v0 - 2 x v1 + x^2 v2)`.

    The observed assignment is the first permutation.

    Attributes:
        differences: `d0` and `d1` of each permutation, shape `(2, k)`.
        variances: `v0`, `v1` and `v2` of each permutation, shape `(3, k)`.
        mid: Whether equally extreme permutations count half.
    """

    differences: NDArray[np.float64]
    variances: NDArray[np.float64]
    mid: bool

    def p_value(self, shift: float) -> float:
        """Return the p-value of no difference after subtracting the shift from the first group."""
        differences = self.differences[0] - shift * self.differences[1]
        spread = self.variances[0] - 2.0 * shift * self.variances[1] + shift * shift * self.variances[2]
        tiny = 1e-12 * float(spread.max())
        statistic = np.abs(differences) / np.sqrt(np.maximum(spread, max(tiny, 1e-300)))
        seen = statistic[0]
        reached = statistic >= seen * (1.0 - _SAME)
        if not self.mid:
            return float(reached.mean())
        return 0.5 * float(reached.mean() + (statistic > seen * (1.0 + _SAME)).mean())


def _dealt(tasks: Sequence[Pair], method: Method, generator: np.random.Generator) -> _Dealt:
    draw, mid = method == "drawn permutations", method == "exact permutations, mid-p"
    differences, variances = np.zeros((2, 1)), np.zeros((3, 1))
    for a, b in tasks:
        own, spread = _parts(a, b, generator if draw else None)
        if draw:
            differences, variances = differences + own, variances + spread
        else:
            differences = (differences[:, :, None] + own[:, None, :]).reshape(2, -1)
            variances = (variances[:, :, None] + spread[:, None, :]).reshape(3, -1)
    return _Dealt(differences / len(tasks), variances / len(tasks) ** 2, mid)


def _parts(
    a: NDArray[np.float64], b: NDArray[np.float64], generator: np.random.Generator | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the difference of means and its variance for each permutation, in the form of `_Dealt`.

    All permutations are enumerated; with a generator, they are drawn at random.
    """
    n, m = a.size, b.size
    # Centre the values so that the squares keep their precision.
    pooled = np.concatenate([a, b])
    pooled = pooled - pooled.mean()
    mine = np.concatenate([np.ones(n), np.zeros(m)])
    table = np.column_stack([pooled, mine, pooled * pooled, pooled * mine])
    if generator is None:
        sums = _arrangements(n, m) @ table
    else:
        sums = np.empty((DRAWS + 1, 4))
        sums[0] = mine @ table
        step = max(1, _CHUNK // pooled.size)
        for begin in range(1, DRAWS + 1, step):
            rows = min(step, DRAWS + 1 - begin)
            drawn = generator.permuted(np.broadcast_to(mine, (rows, pooled.size)), axis=1)
            sums[begin : begin + rows] = drawn @ table
    value, shifted, square, crossed = sums.T
    values, shifts, squares, crosses = (table.sum(axis=0) - sums).T
    differences = np.stack([value / n - values / m, shifted / n - shifts / m])
    variances = np.stack(
        [
            (square - value * value / n) / (n * (n - 1)) + (squares - values * values / m) / (m * (m - 1)),
            (crossed - value * shifted / n) / (n * (n - 1)) + (crosses - values * shifts / m) / (m * (m - 1)),
            (shifted - shifted * shifted / n) / (n * (n - 1)) + (shifts - shifts * shifts / m) / (m * (m - 1)),
        ]
    )
    return differences, variances


def _end(dealt: _Dealt, estimate: float, step: float, level: float) -> float:
    """Return the farthest difference on one side that is not rejected, found by doubling and then bisection."""
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
    """Return every choice of the first group as a row of 0 and 1, with the observed one first."""
    chosen = np.array(list(combinations(range(n + m), n)), dtype=np.intp)
    table = np.zeros((len(chosen), n + m))
    np.put_along_axis(table, chosen, 1.0, axis=1)
    table.flags.writeable = False
    return table
