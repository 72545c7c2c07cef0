"""Whether two groups of runs differ: a permutation test, and the interval of the difference that goes with it."""

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
"""Arrangements times level, from which on the steps of the p-value are a tenth of the level at most."""
_NEAR = 0.3
"""How far, as a share of the level, the mid-p test's own chance of a false verdict may be from it."""
_SAME = 1e-9
_CHUNK = 1 << 22

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


class Tested(NamedTuple):
    """The difference of the means of two groups, and whether it is shown.

    Attributes:
        difference: Mean of the first less mean of the second, and its interval.
        p_value: Two-sided, of no difference; NaN where a group has fewer than 2 values.
        method: How it was tested.
        arrangements: In how many ways the values can be dealt to the groups.
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
    """Test whether two groups of independent runs have the same mean: `compare_over_tasks` with one task.

    Args:
        first: Outcomes of the first group's runs, shape `(n,)`; those that are not finite are left out.
        second: Of the second group's, shape `(m,)`.
        generator: Draws permutations.
        level: Of the test; the interval has confidence `1 - level`.
        comparisons: How many tests share the level: there must be ways enough for its share of one.
        interval: Whether to look for it: that takes ten times as long as the p-value.
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
    """Test whether two groups of independent runs have the same mean on each task, and how far they differ on average.

    Each task's values are dealt to the groups in every way (above 10000 ways: in 4999 drawn ones, what was seen
    counting as one more: Phipson and Smyth 2010, Statistical Applications in Genetics and Molecular Biology 9), and
    Welch's t over tasks is computed for each deal; the p-value is the share that is at least as large. It is exact,
    whatever the distribution, where both groups have the same one on each task (Pitman 1937, Supplement to the Journal
    of the Royal Statistical Society 4), and holds in the limit where only the means agree (Janssen 1997, Statistics and
    Probability Letters 36; Chung and Romano 2013, Annals of Statistics 41). The interval holds every difference which,
    once taken off the first group, the same test does not refuse: so interval and p-value never disagree.

    With few ways the p-value has coarse steps: 4 + 4 runs have 70, two of which are always equally extreme, so that 2.9
    and 5.7 % are its two least. Where there are fewer than 10 ways over the level, deals that are just as extreme count
    half (mid-p: Lancaster 1961, JASA 56), if the chance of a false verdict is then within three tenths of the level:
    5.7 % with 4 + 4 and 3 + 4, 5.4 % with 3 + 5, 4.8 % with 4 + 5. Where it is not (3 + 3: 10 %), Student's t takes
    their place in groups of one size, and Welch's t else; these suppose outcomes that are roughly normal.

    Where no group has any spread, the deals decide, mid-p, and the interval is the difference alone.

    Args:
        pairs: For each task the outcomes of the first group's runs and of the second's; not finite ones are left out.
        generator: Draws permutations.
        level: Of the test; the interval has confidence `1 - level`.
        comparisons: How many tests share the level: there must be ways enough for its share of one.
        interval: Whether to look for it: that takes ten times as long as the p-value.
    """
    tasks = [(finite(first), finite(second)) for first, second in pairs]
    # In units of the largest: the squares of huge outcomes are beyond what a float holds. A power of 2 rounds nothing.
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
    # With ties zero may be the very end, which halving only comes near to.
    if p_value > level:
        low, high = min(low, 0.0), max(high, 0.0)
    return Tested(PairedEffect(plain.estimate * unit, low * unit, high * unit), p_value, method, ways)


def _plain(tasks: Sequence[Pair]) -> Difference:
    """Student's where one task has groups of one size, else Welch's."""
    found = [(moments_of(a), moments_of(b)) for a, b in tasks]
    if len(found) == 1 and found[0][0].size == found[0][1].size:
        return student(*found[0])
    return welch_over_tasks(found)


def _method(tasks: Sequence[Pair], ways: int, level: float) -> Method:
    # Ways are whole numbers of any length: they are held against a float, and not turned into one.
    if ways >= _ENOUGH / level:
        return "exact permutations" if ways <= MOST_EXACT else "drawn permutations"
    # In groups of one size, exchanging the groups is a deal as extreme as any.
    even = all(a.size == b.size for a, b in tasks)
    step = 2.0 if even else 1.0
    own = math.floor(ways * level / step + 0.5) * step / ways
    if abs(own / level - 1.0) <= _NEAR:
        return "exact permutations, mid-p"
    return "Student's t" if even and len(tasks) == 1 else "Welch's t"


def _flat(tasks: Sequence[Pair], estimate: float, unit: float, ways: int, level: float) -> Tested:
    """No group has any spread: the deals that are as extreme are those that part the groups in the same way."""
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
    """For each arrangement the parts of Welch's t after any shift `x`: `(d0 - x d1) / sqrt(v0 - 2 x v1 + x^2 v2)`.

    What was seen is the first arrangement. `mid`: whether those that are just as extreme count half.
    """

    differences: NDArray[np.float64]
    variances: NDArray[np.float64]
    mid: bool

    def p_value(self, shift: float) -> float:
        """Of the first group's values less the shift being as the second's."""
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
    """Difference of means and its variance in each deal, as `_Dealt` has them: every deal, or as a generator draws."""
    n, m = a.size, b.size
    # Centred, so that squares lose no digits.
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
