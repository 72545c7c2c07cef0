"""Two evaluations of the same items, compared item by item."""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.intervals import wilson_interval
from rlvitals.stats.series.student_t import student_t_quantile

Verdict = Literal["better", "worse", "no difference shown", "not enough items"]
Values = Mapping[Any, float | None] | ArrayLike
"""Value of each item: a mapping, or an array whose places are the items. `None` is a gap."""

FEWEST_ITEMS = 6
_EXACT_ITEMS = 14
_RESAMPLES = 2_000
_FLIPS = 10_000
_LEAST_SPREAD = 0.05
_SAME = 1e-12
_CHUNK = 1 << 21
_NORMAL_FREEDOM = 10_000


class PairedEffect(NamedTuple):
    """An effect and its interval; NaN where there is none."""

    estimate: float
    low: float
    high: float


class ItemComparison(NamedTuple):
    """How an evaluation compares with a baseline on the items that both have.

    Attributes:
        verdict: `better` or `worse` than the baseline if both the interval of the mean difference and the sign-flip
            test say so; `no difference shown`; `not enough items` below 6, where no test of signs can reach 5 %.
        items: Items that were compared.
        unshared: Items that one of the two does not have.
        not_finite: Shared items left out, as one of the values is not finite.
        mean: Mean of candidate less baseline, in the values' units.
        median: Median of the differences, same units.
        ratio: Geometric mean of candidate over baseline; NaN unless all values are above zero.
        improved: Share of the items in which the candidate is better, 0 to 1; ties are not better.
        better: Items in which it is better.
        worse: Items in which it is worse.
        ties: Items in which the two are within `tolerance`; their difference counts as measured in the effects.
        p_value: Two-sided, of the mean difference, from turning the signs of the differences.
    """

    verdict: Verdict
    items: int
    unshared: int
    not_finite: int
    mean: PairedEffect
    median: PairedEffect
    ratio: PairedEffect
    improved: PairedEffect
    better: int
    worse: int
    ties: int
    p_value: float


def compare(
    candidate: Values,
    baseline: Values,
    generator: np.random.Generator,
    *,
    higher_is_better: bool = True,
    tolerance: float = 0.0,
    confidence: float = 0.95,
) -> ItemComparison:
    """Compare two evaluations item by item; items are taken as a sample of those that matter.

    Args:
        candidate: Value of each item: a mapping, or an array whose places are the items.
        baseline: The same for what it is compared with.
        generator: Draws resamples and signs.
        higher_is_better: False for a size or a time: it turns verdict and share, and not the signs of the effects.
        tolerance: Differences of at most so much are ties.
        confidence: Of all intervals, two-sided.

    Raises:
        ValueError: Arrays of different lengths, whose places cannot be matched.
    """
    mine, theirs, unshared = _matched(candidate, baseline)
    finite = np.isfinite(mine) & np.isfinite(theirs)
    return _compared(mine, theirs, finite, unshared, generator, higher_is_better, tolerance, confidence)


def compare_by_category(
    candidate: Mapping[Any, float | None],
    baseline: Mapping[Any, float | None],
    categories: Mapping[Any, str],
    generator: np.random.Generator,
    *,
    higher_is_better: bool = True,
    tolerance: float = 0.0,
    confidence: float = 0.95,
) -> dict[str, ItemComparison]:
    """The comparison within each category, in alphabetical order; items without a category are left out.

    Each comparison is made at its own level: among twenty categories without a difference, one may be called different.
    Arguments as for `compare`, and `categories`: the category of each item.
    """
    compared = {}
    for category in sorted(set(categories.values())):
        items = {item for item, own in categories.items() if own == category}
        compared[category] = compare(
            {item: value for item, value in candidate.items() if item in items},
            {item: value for item, value in baseline.items() if item in items},
            generator,
            higher_is_better=higher_is_better,
            tolerance=tolerance,
            confidence=confidence,
        )
    return compared


def mean_effect(differences: ArrayLike, generator: np.random.Generator, *, confidence: float = 0.95) -> PairedEffect:
    """Mean of independent values, and an interval that holds for skewed ones too.

    Each end is the farther of two: Student's `mean -+ t_{n-1} s / sqrt(n)`, and the studentised bootstrap's (Efron
    1981, Canadian Journal of Statistics 9; Hall 1988, Annals of Statistics 16): the quantiles of
    `(mean* - mean) / (s* / sqrt(n))` over 2000 resamples put in place of Student's. A resample's `s*` is taken as at
    least a twentieth of `s`, so that resamples of one value do not make the interval infinite. Student's alone falls to
    85 % for skewed values, the bootstrap's alone to 92 % for heavy tails (`bench/exploration.py`).

    Args:
        differences: Shape `(n,)`, finite.
        generator: Draws the resamples.
        confidence: Two-sided.

    Returns:
        The mean and its interval; without ends below 2 values.
    """
    sample = np.asarray(differences, dtype=np.float64).ravel()
    count = sample.size
    if count == 0:
        return _no_effect()
    mean = float(sample.mean())
    spread = float(sample.std(ddof=1)) if count > 1 else math.nan
    if not spread > _SAME * float(np.abs(sample).max()):
        return PairedEffect(mean, mean, mean) if count > 1 else PairedEffect(mean, math.nan, math.nan)
    tail = 0.5 * (1.0 - confidence)
    student = student_t_quantile(1.0 - tail, min(count - 1, _NORMAL_FREEDOM))
    low, high = np.quantile(_studentised(sample, mean, spread, generator), (tail, 1.0 - tail))
    error = spread / math.sqrt(count)
    return PairedEffect(mean, mean - max(float(high), student) * error, mean + max(-float(low), student) * error)


def median_effect(differences: ArrayLike, *, confidence: float = 0.95) -> PairedEffect:
    """Median of independent values, and the interval between two of them that holds for every distribution.

    From the `k`-th lowest to the `k`-th highest, with the greatest `k` for which `P(Binomial(n, 1/2) < k)` is at most
    half of what the confidence leaves (Thompson 1936, Annals of Mathematical Statistics 7).

    Returns:
        The median and its interval; without ends where even lowest and highest do not reach the confidence (below 6
        values for 95 %).
    """
    sample = np.sort(np.asarray(differences, dtype=np.float64).ravel())
    count = sample.size
    if count == 0:
        return _no_effect()
    middle, rank = float(np.median(sample)), _median_rank(count, 0.5 * (1.0 - confidence))
    if rank == 0:
        return PairedEffect(middle, math.nan, math.nan)
    return PairedEffect(middle, float(sample[rank - 1]), float(sample[count - rank]))


def sign_flip_p_value(differences: ArrayLike, generator: np.random.Generator) -> float:
    """Two-sided chance of so large a mean if each difference might as well have had the other sign (Fisher 1935).

    Over all `2^n` signs up to 14 values, else over 10000 draws, where what was seen counts as one of them (Phipson and
    Smyth 2010, Statistical Applications in Genetics and Molecular Biology 9).

    Args:
        differences: Shape `(n,)`, finite.
        generator: Draws the signs.

    Returns:
        The p-value; NaN for no values, 1 if all are zero.
    """
    sample = np.asarray(differences, dtype=np.float64).ravel()
    if not sample.size:
        return math.nan
    sample = sample[sample != 0.0]
    if not sample.size:
        return 1.0
    size = np.abs(sample)
    # Scaled, so that the least of doubles can be squared away; rounding must not part what is equal.
    size /= size.max()
    seen = abs(float((np.sign(sample) * size).sum())) - _SAME * float(size.sum())
    if sample.size <= _EXACT_ITEMS:
        codes = np.arange(2 ** (sample.size - 1))[:, None] >> np.arange(sample.size)
        sums = (1.0 - 2.0 * (codes & 1)) @ size
        return float(np.mean(np.abs(sums) >= seen))
    reached = 0
    step = max(1, _CHUNK // sample.size)
    for begin in range(0, _FLIPS, step):
        signs = generator.integers(2, size=(min(step, _FLIPS - begin), sample.size), dtype=np.int8) * 2 - 1
        reached += int(np.count_nonzero(np.abs(signs @ size) >= seen))
    return (1 + reached) / (_FLIPS + 1)


def _matched(candidate: Values, baseline: Values) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    if isinstance(candidate, Mapping) != isinstance(baseline, Mapping):
        raise TypeError("one evaluation is a mapping and the other is not: items cannot be matched")
    if isinstance(candidate, Mapping) and isinstance(baseline, Mapping):
        shared = [item for item in candidate if item in baseline]
        mine = np.array([_number(candidate[item]) for item in shared], dtype=np.float64)
        theirs = np.array([_number(baseline[item]) for item in shared], dtype=np.float64)
        return mine, theirs, len(candidate) + len(baseline) - 2 * len(shared)
    mine = np.asarray(candidate, dtype=np.float64).ravel()
    theirs = np.asarray(baseline, dtype=np.float64).ravel()
    if mine.size != theirs.size:
        raise ValueError(f"{mine.size} values against {theirs.size}: use mappings where items differ")
    return mine, theirs, 0


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _compared(
    mine: NDArray[np.float64],
    theirs: NDArray[np.float64],
    finite: NDArray[np.bool_],
    unshared: int,
    generator: np.random.Generator,
    higher_is_better: bool,
    tolerance: float,
    confidence: float,
) -> ItemComparison:
    left_out = int(np.count_nonzero(~finite))
    mine, theirs = mine[finite], theirs[finite]
    differences = mine - theirs
    gains = differences if higher_is_better else -differences
    better, worse = (int(np.count_nonzero(g > tolerance)) for g in (gains, -gains))
    count = differences.size
    share = wilson_interval(better, count, confidence=confidence)
    mean = mean_effect(differences, generator, confidence=confidence)
    p_value = sign_flip_p_value(differences, generator)
    return ItemComparison(
        verdict=_verdict(mean, p_value, count, higher_is_better, confidence),
        items=count,
        unshared=unshared,
        not_finite=left_out,
        mean=mean,
        median=median_effect(differences, confidence=confidence),
        ratio=_ratio(mine, theirs, generator, confidence),
        improved=PairedEffect(share.estimate, share.low, share.high),
        better=better,
        worse=worse,
        ties=count - better - worse,
        p_value=p_value,
    )


def _verdict(mean: PairedEffect, p_value: float, count: int, higher_is_better: bool, confidence: float) -> Verdict:
    if count < FEWEST_ITEMS:
        return "not enough items"
    if p_value > 1.0 - confidence or mean.low <= 0.0 <= mean.high:
        return "no difference shown"
    return "better" if (mean.estimate > 0.0) == higher_is_better else "worse"


def _ratio(
    mine: NDArray[np.float64], theirs: NDArray[np.float64], generator: np.random.Generator, confidence: float
) -> PairedEffect:
    if not mine.size or mine.min() <= 0.0 or theirs.min() <= 0.0:
        return _no_effect()
    logs = mean_effect(np.log(mine) - np.log(theirs), generator, confidence=confidence)
    with np.errstate(over="ignore"):
        return PairedEffect(*(float(np.exp(end)) for end in logs))


def _studentised(
    sample: NDArray[np.float64], mean: float, spread: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    values, count = (sample - mean) / spread, sample.size
    found = np.empty(_RESAMPLES)
    step = max(1, _CHUNK // count)
    for begin in range(0, _RESAMPLES, step):
        drawn = values[generator.integers(count, size=(min(step, _RESAMPLES - begin), count))]
        deviations = np.maximum(drawn.std(axis=1, ddof=1), _LEAST_SPREAD)
        found[begin : begin + step] = drawn.mean(axis=1) * math.sqrt(count) / deviations
    return found


def _median_rank(count: int, tail: float) -> int:
    """The greatest `k` with `P(Binomial(count, 1/2) < k) <= tail`; 0 if there is none."""
    below, rank = 0.0, 0
    log_half = count * math.log(0.5)
    while rank <= count // 2:
        below += math.exp(math.lgamma(count + 1) - math.lgamma(rank + 1) - math.lgamma(count - rank + 1) + log_half)
        if below > tail:
            break
        rank += 1
    return rank


def _no_effect() -> PairedEffect:
    return PairedEffect(math.nan, math.nan, math.nan)
