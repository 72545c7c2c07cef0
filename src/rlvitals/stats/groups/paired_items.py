"""Paired comparison of two evaluations on the same items."""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.series.intervals import wilson_interval
from rlvitals.stats.series.student_t import student_t_quantile

Verdict = Literal["better", "worse", "no difference shown", "not enough items"]
Values = Mapping[Any, float | None] | ArrayLike
"""Value of each item: a mapping, or an array whose indices are the items. `None` is a missing value."""

FEWEST_ITEMS = 6
_EXACT_ITEMS = 14
_RESAMPLES = 2_000
_FLIPS = 10_000
_LEAST_SPREAD = 0.05
_SAME = 1e-12
_CHUNK = 1 << 21
_NORMAL_FREEDOM = 10_000


class PairedEffect(NamedTuple):
    """An effect with its confidence interval; NaN if unavailable.

    Attributes:
        estimate: Point estimate.
        low: Lower end of the interval, same units.
        high: Upper end of the interval, same units.
    """

    estimate: float
    low: float
    high: float


class ItemComparison(NamedTuple):
    """Comparison of an evaluation with a baseline on their common items.

    Attributes:
        verdict: `better` or `worse` than the baseline if both the interval of the mean difference and the sign-flip
            test show it; `no difference shown`; or `not enough items` below 6, where no sign test can reach 5 %.
        items: Number of items compared.
        unshared: Number of items that occur in only one of the two evaluations.
        not_finite: Number of common items left out because a value is non-finite.
        mean: Mean of candidate minus baseline, in the units of the values.
        median: Median of the differences, same units.
        ratio: Geometric mean of candidate over baseline; NaN unless all values are above zero.
        improved: Share of items on which the candidate is better, 0 to 1. Ties do not count as better.
        better: Number of items on which the candidate is better.
        worse: Number of items on which the candidate is worse.
        ties: Number of items that differ by at most `tolerance`. The effects use their measured difference.
        p_value: Two-sided p-value of the mean difference, from the sign-flip test.
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
    """Compare two evaluations item by item, treating the items as a sample of all relevant items.

    Args:
        candidate: Value of each item: a mapping, or an array whose indices are the items.
        baseline: Value of each item for the baseline, in the same form.
        generator: Random generator for resamples and signs.
        higher_is_better: Whether higher values are better; False for a size or a time. It affects the verdict and the
            share, but not the signs of the effects.
        tolerance: Largest difference that counts as a tie, in the units of the values.
        confidence: Two-sided confidence level of all intervals, in (0, 1).

    Raises:
        TypeError: One evaluation is a mapping and the other is not.
        ValueError: The arrays differ in length, so their items cannot be matched.
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
    """Compare two evaluations within each category, in alphabetical order.

    The confidence level applies to each comparison separately. Among twenty categories without a difference, about one
    is reported as different.

    Args:
        candidate: Value of each item.
        baseline: Value of each item for the baseline.
        categories: Category of each item. Items without a category are left out.
        generator: Random generator for resamples and signs.
        higher_is_better: Whether higher values are better, as for `compare`.
        tolerance: Largest difference that counts as a tie, in the units of the values.
        confidence: Two-sided confidence level of all intervals, in (0, 1).
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
    """Return the mean of independent values, with a confidence interval that is also valid for skewed values.

    Each end is the farther of two: Student's `mean -+ t_{n-1} s / sqrt(n)`, and the studentised bootstrap's (Efron
    1981, Canadian Journal of Statistics 9; Hall 1988, Annals of Statistics 16). The bootstrap replaces Student's
    quantiles by those of `(mean* - mean) / (s* / sqrt(n))` over 2000 resamples. A resample's `s*` is at least a
    twentieth of `s`, so resamples of a single value do not make the interval infinite. The coverage of Student's
    interval alone drops to 85 % for skewed values, and that of the bootstrap's alone to 92 % for heavy tails
    (`bench/exploration.py`).

    Args:
        differences: Finite values, shape `(n,)`.
        generator: Random generator for the resamples.
        confidence: Two-sided confidence level, in (0, 1).

    Returns:
        The mean and its interval; the ends are NaN for fewer than 2 values.
    """
    sample = np.asarray(differences, dtype=np.float64).ravel()
    count = sample.size
    if count == 0:
        return no_effect()
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
    """Return the median of independent values, with a distribution-free confidence interval.

    The interval is from the `k`-th lowest to the `k`-th highest value, with the largest `k` for which
    `P(Binomial(n, 1/2) < k)` is at most half of `1 - confidence` (Thompson 1936, Annals of Mathematical Statistics 7).

    Args:
        differences: Finite values, shape `(n,)`.
        confidence: Two-sided confidence level, in (0, 1).

    Returns:
        The median and its interval; the ends are NaN if even the range does not reach the confidence (below 6 values
        for 95 %).
    """
    sample = np.sort(np.asarray(differences, dtype=np.float64).ravel())
    count = sample.size
    if count == 0:
        return no_effect()
    middle, rank = float(np.median(sample)), _median_rank(count, 0.5 * (1.0 - confidence))
    if rank == 0:
        return PairedEffect(middle, math.nan, math.nan)
    return PairedEffect(middle, float(sample[rank - 1]), float(sample[count - rank]))


def sign_flip_p_value(differences: ArrayLike, generator: np.random.Generator) -> float:
    """Return the two-sided p-value of the sign-flip test for a zero mean (Fisher 1935).

    Under the null hypothesis, each difference is equally likely to have the opposite sign. All `2^n` sign patterns are
    enumerated for up to 14 values. For more values, 10000 patterns are drawn, and the observed one counts as one more
    (Phipson and Smyth 2010, Statistical Applications in Genetics and Molecular Biology 9).

    Args:
        differences: Finite values, shape `(n,)`.
        generator: Random generator for the signs.

    Returns:
        The p-value; NaN without values, 1 if all are zero.
    """
    sample = np.asarray(differences, dtype=np.float64).ravel()
    if not sample.size:
        return math.nan
    sample = sample[sample != 0.0]
    if not sample.size:
        return 1.0
    size = np.abs(sample)
    # Scale the values so that tiny doubles do not underflow. The tolerance keeps equal sums equal despite rounding.
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
        raise TypeError("candidate and baseline must both be mappings or both be arrays; their items cannot be matched")
    if isinstance(candidate, Mapping) and isinstance(baseline, Mapping):
        shared = [item for item in candidate if item in baseline]
        mine = np.array([_number(candidate[item]) for item in shared], dtype=np.float64)
        theirs = np.array([_number(baseline[item]) for item in shared], dtype=np.float64)
        return mine, theirs, len(candidate) + len(baseline) - 2 * len(shared)
    mine = np.asarray(candidate, dtype=np.float64).ravel()
    theirs = np.asarray(baseline, dtype=np.float64).ravel()
    if mine.size != theirs.size:
        raise ValueError(f"{mine.size} values but {theirs.size} in the baseline; use mappings if the items differ")
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
        verdict=effect_verdict(mean, p_value, count, higher_is_better, confidence),
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


def effect_verdict(
    mean: PairedEffect, p_value: float, count: int, higher_is_better: bool, confidence: float
) -> Verdict:
    """Return the verdict for a mean difference: interval and p-value must agree.

    Args:
        mean: Mean difference with its interval.
        p_value: Two-sided p-value of no difference.
        count: Number of values compared.
        higher_is_better: Whether higher values are better.
        confidence: Two-sided confidence level of the interval, in (0, 1).
    """
    if count < FEWEST_ITEMS:
        return "not enough items"
    if p_value > 1.0 - confidence or mean.low <= 0.0 <= mean.high:
        return "no difference shown"
    return "better" if (mean.estimate > 0.0) == higher_is_better else "worse"


def _ratio(
    mine: NDArray[np.float64], theirs: NDArray[np.float64], generator: np.random.Generator, confidence: float
) -> PairedEffect:
    if not mine.size or mine.min() <= 0.0 or theirs.min() <= 0.0:
        return no_effect()
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
    """Return the largest `k` with `P(Binomial(count, 1/2) < k) <= tail`; 0 without one."""
    below, rank = 0.0, 0
    log_half = count * math.log(0.5)
    while rank <= count // 2:
        below += math.exp(math.lgamma(count + 1) - math.lgamma(rank + 1) - math.lgamma(count - rank + 1) + log_half)
        if below > tail:
            break
        rank += 1
    return rank


def no_effect() -> PairedEffect:
    """Return an effect that is unavailable."""
    return PairedEffect(math.nan, math.nan, math.nan)
