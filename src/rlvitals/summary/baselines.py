"""Comparisons of a run's evaluations with baselines as plain numbers, for documents and JSON."""

import math
from collections.abc import Collection, Iterable

import msgspec

from rlvitals.diagnosis.baseline_comparisons import BaselineComparison, BaselineEvaluations
from rlvitals.records import Evaluation
from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.summary.measures import Range, known


class Paired(msgspec.Struct, frozen=True):
    """Comparison of the policy in training with a baseline, on the items that both were evaluated on.

    Attributes:
        metric: Compared metric.
        baseline: Name of the baseline.
        verdict: better, worse, no difference shown, ... (`rlvitals.stats.groups.paired_items`).
        items: Number of items compared.
        unshared: Number of items that only one of the two has.
        difference: Mean of the differences.
        median: Median of the differences.
        improved: Share of items on which the policy is better.
        better: Number of items on which the policy is better.
        worse: Number of items on which the policy is worse.
        ties: Number of items with equal values.
        p_value: p-value of no difference, from the sign-flip test.
        ratio: Geometric mean of the policy's values over those of the baseline, if all values are positive.
        attempts: Number of attempts per item of the baseline, of which the best one counts.
        is_comparable: Whether the baseline made at most as many attempts per item as the policy.
        is_lower_better: Whether lower values of the metric are better.
        is_paired: Whether the same items are compared. Otherwise `items` is the number of episodes of the smaller
            evaluation, and only difference and p-value are known.
    """

    metric: str
    baseline: str
    verdict: str
    items: int
    unshared: int
    difference: Range
    median: Range
    improved: Range
    better: int
    worse: int
    ties: int
    p_value: float | None
    ratio: Range
    attempts: int
    is_comparable: bool
    is_lower_better: bool
    is_paired: bool


def against_baselines(evaluations: Iterable[Evaluation], *, lower_is_better: Collection[str] = ()) -> list[Paired]:
    """Compare the last evaluation of the policy in training with the last of each baseline, item by item.

    Args:
        evaluations: Evaluations of a run, oldest first. Those with a `policy` belong to baselines.
        lower_is_better: Metrics for which lower is better, such as the bytes of a file.

    Returns:
        One comparison per baseline and metric with at least one shared item.
    """
    every = BaselineEvaluations()
    for evaluation in evaluations:
        every.add(evaluation)
    return as_pairs(every.comparisons(lower_is_better))


def as_pairs(comparisons: Iterable[BaselineComparison]) -> list[Paired]:
    """Convert comparisons of the diagnosis to plain numbers."""
    return [_pair(one) for one in comparisons]


def _pair(one: BaselineComparison) -> Paired:
    found = one.found
    return Paired(
        metric=one.metric,
        baseline=one.baseline,
        verdict=found.verdict,
        items=found.items,
        unshared=found.unshared,
        difference=_range(found.mean),
        median=_range(found.median),
        improved=_range(found.improved),
        better=found.better,
        worse=found.worse,
        ties=found.ties,
        p_value=None if math.isnan(found.p_value) else found.p_value,
        ratio=_range(found.ratio),
        attempts=one.attempts,
        is_comparable=one.is_comparable,
        is_lower_better=one.is_lower_better,
        is_paired=one.is_paired,
    )


def _range(effect: PairedEffect) -> Range:
    return Range(known(effect.estimate), known(effect.low), known(effect.high))
