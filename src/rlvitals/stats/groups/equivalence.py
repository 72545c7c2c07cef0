"""Equivalence of two groups of runs within a margin."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from numpy.typing import ArrayLike

from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.run_intervals import finite
from rlvitals.stats.groups.welch import moments_of, t_cdf, welch_over_tasks

Verdict = Literal["the same", "not the same", "not shown to be the same", "not enough runs"]


class Equivalence(NamedTuple):
    """Result of an equivalence test: whether the means of two groups differ by less than a margin.

    Attributes:
        verdict: `the same` if the difference is shown to be within the margin, `not the same` if it is shown to exceed
            it, `not shown to be the same`, or `not enough runs`.
        margin: Largest difference that does not matter, in the units of the values.
        difference: First mean minus second mean, with the interval of confidence `1 - 2 level` that the test uses.
        p_value: p-value of the null hypothesis that the difference is at least the margin.
    """

    verdict: Verdict
    margin: float
    difference: PairedEffect
    p_value: float


def equivalence(first: ArrayLike, second: ArrayLike, margin: float, *, level: float = 0.05) -> Equivalence:
    """Test whether two groups are equivalent within a margin.

    This is `equivalence_over_tasks` with one task.

    Args:
        first: Outcomes of the runs of the first group, shape `(n,)`. Non-finite values are left out.
        second: Outcomes of the runs of the second group, shape `(m,)`. Non-finite values are left out.
        margin: Equivalence margin in the units of the values, above zero.
        level: Significance level: the probability of the verdict `the same` if the true difference equals the margin.

    Raises:
        ValueError: The margin is not above zero and finite.
    """
    return equivalence_over_tasks([(first, second)], margin, level=level)


def equivalence_over_tasks(
    pairs: Sequence[tuple[ArrayLike, ArrayLike]], margin: float, *, level: float = 0.05
) -> Equivalence:
    """Test whether the mean difference over tasks is between `-margin` and `margin`, with two one-sided tests.

    Each is Welch's test over tasks. Both must be significant at the level, so the interval with confidence
    `1 - 2 level` is within the margin (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15). A
    non-significant difference alone does not show equivalence.

    Args:
        pairs: Outcomes of the runs of the first and the second group, for each task. Non-finite values are left out.
        margin: Equivalence margin in the units of the values, above zero.
        level: Significance level: the probability of the verdict `the same` if the true difference equals the margin.

    Raises:
        ValueError: The margin is not above zero and finite.
    """
    if not (margin > 0.0 and math.isfinite(margin)):
        raise ValueError(f"margin must be above 0 and finite, in the units of the metric, not {margin!r}")
    found = welch_over_tasks([(moments_of(finite(first)), moments_of(finite(second))) for first, second in pairs])
    if math.isnan(found.error):
        nothing = PairedEffect(found.estimate, math.nan, math.nan)
        return Equivalence("not enough runs", margin, nothing, math.nan)
    low, high = found.interval(1.0 - 2.0 * level)
    if found.error == 0.0:
        p_value = 0.0 if abs(found.estimate) < margin else 1.0
    else:
        p_value = max(
            1.0 - t_cdf((found.estimate + margin) / found.error, found.freedom),
            t_cdf((found.estimate - margin) / found.error, found.freedom),
        )
    inside, outside = -margin < low <= high < margin, low >= margin or high <= -margin
    verdict: Verdict = "the same" if inside else "not the same" if outside else "not shown to be the same"
    return Equivalence(verdict, margin, PairedEffect(found.estimate, low, high), p_value)
