"""Item-by-item comparison of a run's evaluations with baselines."""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
import numpy as np

from rlvitals.records import Evaluation
from rlvitals.records.objectives import declared_directions
from rlvitals.stats.groups.paired_items import ItemComparison, PairedEffect, compare
from rlvitals.summary.measures import Range, known

METRICS = ("reward", "quality", "success")
_SEED = 0
"""A fixed seed, so that the intervals are reproducible."""


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


def against_baselines(
    evaluations: Iterable[Evaluation],
    others: Mapping[str, Evaluation] | None = None,
    *,
    lower_is_better: Collection[str] = (),
) -> list[Paired]:
    """Compare the last evaluation of the policy in training with the last of each baseline, item by item.

    Args:
        evaluations: Evaluations of a run, oldest first. Those with a `policy` belong to baselines.
        others: Additional baselines by name, such as the last evaluation of another run.
        lower_is_better: Metrics for which lower is better, such as the bytes of a file.

    Returns:
        One comparison per baseline and metric with at least one shared item.
    """
    last: dict[str | None, Evaluation] = {}
    for evaluation in evaluations:
        if evaluation.items:
            last[evaluation.policy] = evaluation
    mine = last.pop(None, None)
    if mine is None:
        return []
    baselines = {str(name): evaluation for name, evaluation in last.items()} | dict(others or {})
    return [
        _plain(
            compare(ours, theirs, np.random.default_rng(_SEED), higher_is_better=metric not in lower_is_better),
            metric,
            name,
        )
        for name, baseline in baselines.items()
        for metric in _metrics(mine)
        if (ours := _values(mine, metric)).keys() & (theirs := _values(baseline, metric)).keys()
    ]


def named_lower(configuration: Mapping[str, Any]) -> list[str]:
    """Return the metrics that a configuration lists as `lower_is_better`."""
    return [name for name, better in declared_directions(configuration).items() if better == "lower"]


def _metrics(evaluation: Evaluation) -> list[str]:
    """Return the metrics of an evaluation's items, the known metrics first."""
    items = (item for item in (evaluation.items or {}).values() if isinstance(item, Mapping))
    names = dict.fromkeys(name for item in items for name in item)
    return sorted(names, key=lambda name: (METRICS.index(name) if name in METRICS else len(METRICS), name))


def _values(evaluation: Evaluation, metric: str) -> dict[Any, float]:
    values: dict[Any, float] = {}
    for item, said in (evaluation.items or {}).items():
        value = said.get(metric) if isinstance(said, Mapping) else None
        if isinstance(value, int | float):
            values[item] = float(value)
    return values


def _plain(found: ItemComparison, metric: str, baseline: str) -> Paired:
    return Paired(
        metric=metric,
        baseline=baseline,
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
    )


def _range(effect: PairedEffect) -> Range:
    return Range(known(effect.estimate), known(effect.low), known(effect.high))
