"""Whether two groups of runs are the same, as far as anybody cares."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from numpy.typing import ArrayLike

from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.run_intervals import finite
from rlvitals.stats.groups.welch import moments_of, t_cdf, welch_over_tasks

Verdict = Literal["the same", "not the same", "not shown to be the same", "not enough runs"]


class Equivalence(NamedTuple):
    """Whether the means of two groups differ by less than a margin.

    Attributes:
        verdict: `the same` within the margin; `not the same`: shown to differ by more; `not shown to be the same`.
        margin: Differences below it do not matter, in the values' units.
        difference: First mean less second, with the interval of confidence `1 - 2 level` that the test looks at.
        p_value: Of a difference of the margin or more.
    """

    verdict: Verdict
    margin: float
    difference: PairedEffect
    p_value: float


def equivalence(first: ArrayLike, second: ArrayLike, margin: float, *, level: float = 0.05) -> Equivalence:
    """Whether the groups are the same within a margin: `equivalence_over_tasks` with one task.

    Args:
        first: Outcomes of the first group's runs, shape `(n,)`; those that are not finite are left out.
        second: Of the second group's, shape `(m,)`.
        margin: Above zero, in the values' units.
        level: Chance that is allowed of saying `the same` where the difference is the margin.

    Raises:
        ValueError: The margin is not above zero and finite.
    """
    return equivalence_over_tasks([(first, second)], margin, level=level)


def equivalence_over_tasks(
    pairs: Sequence[tuple[ArrayLike, ArrayLike]], margin: float, *, level: float = 0.05
) -> Equivalence:
    """Two one-sided tests: whether the mean difference over tasks is shown to be above `-margin` and below `margin`.

    Each is Welch's, over tasks; both must be shown at the level, so the interval of confidence `1 - 2 level` lies
    within the margin (Schuirmann 1987, Journal of Pharmacokinetics and Biopharmaceutics 15). Failing to find a
    difference says nothing of the sort.

    Args:
        pairs: For each task the outcomes of the first group's runs and of the second's; not finite ones are left out.
        margin: Above zero, in the values' units.
        level: Chance that is allowed of saying `the same` where the difference is the margin.

    Raises:
        ValueError: The margin is not above zero and finite.
    """
    if not (margin > 0.0 and math.isfinite(margin)):
        raise ValueError(f"margin={margin!r}: equivalence needs a margin above zero, in the metric's own units")
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
