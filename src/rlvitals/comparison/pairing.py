"""Item-by-item comparison of evaluations on the same items, such as images or tasks of a test set."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rlvitals.comparison.experiments import Member
from rlvitals.comparison.group_estimates import as_range, number
from rlvitals.comparison.result import PairedItems
from rlvitals.records import Evaluation
from rlvitals.stats.groups.paired_items import ItemComparison, compare

MOST_RUNS = 100
"""Maximum number of runs of a group whose evaluations are read, because each is read as records."""

_LAST = 50
_CATEGORY = "category"
_AGENT = ""
_MOST_CATEGORIES = 12

Items = dict[str, dict[str, float]]
"""Value of each item, by metric."""


class Evaluated:
    """The last evaluation of each run of a group, averaged over the runs item by item.

    Args:
        members: Runs of the group.
    """

    def __init__(self, members: Iterable[Member]) -> None:
        values: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(list))
        )
        self.categories: dict[str, str] = {}
        for member in members:
            for policy, evaluation in _last(member).items():
                for item, said in (evaluation.items or {}).items():
                    if not isinstance(said, Mapping):
                        continue
                    if isinstance(said.get(_CATEGORY), str):
                        self.categories[item] = said[_CATEGORY]
                    for metric, value in said.items():
                        if isinstance(value, int | float):
                            values[policy][metric][item].append(float(value))
        self.policies: dict[str, Items] = {
            policy: {
                metric: {item: float(np.mean(seen)) for item, seen in items.items()}
                for metric, items in metrics.items()
            }
            for policy, metrics in values.items()
        }

    @property
    def own(self) -> Items:
        """Items of the policy in training. Empty if it was not evaluated."""
        return self.policies.get(_AGENT, {})


def paired_items(
    groups: Mapping[str, Sequence[Member]],
    names: Sequence[tuple[str, str]],
    seed: int,
    *,
    lower_is_better: Collection[str] = (),
) -> list[PairedItems]:
    """Compare groups with each other, and with baseline policies evaluated in the same runs, on shared items.

    Args:
        groups: Runs of each group.
        names: Pairs of groups to compare.
        seed: Seed of the resampling of each comparison, so that its result does not depend on the other ones.
        lower_is_better: Metrics for which lower is better.

    Returns:
        One comparison per pair and metric over all items, then one per category.
    """
    evaluated = {
        name: Evaluated(members)
        for name, members in groups.items()
        if len(members) <= MOST_RUNS and any(member.run.layout.segments("evaluations") for member in members)
    }
    found: list[PairedItems] = []
    for group, baseline in names:
        if group in evaluated and baseline in evaluated:
            mine, theirs = evaluated[group], evaluated[baseline]
            found += _held(group, baseline, mine, theirs.own, seed, lower_is_better)
    for group, mine in evaluated.items():
        for policy, theirs_items in mine.policies.items():
            if policy != _AGENT:
                found += _held(group, f"policy {policy}", mine, theirs_items, seed, lower_is_better)
    return found


def _held(
    group: str,
    baseline: str,
    mine: Evaluated,
    theirs: Items,
    seed: int,
    lower_is_better: Collection[str],
) -> list[PairedItems]:
    found = []
    for metric, own in mine.own.items():
        other = theirs.get(metric, {})
        if not own.keys() & other.keys():
            continue
        by_category: dict[str, list[str]] = defaultdict(list)
        for item in own:
            by_category[mine.categories.get(item, "")].append(item)
        by_category.pop("", None)
        parts = [("", list(own))]
        if 1 < len(by_category) <= _MOST_CATEGORIES:
            parts += sorted(by_category.items())
        for category, items in parts:
            theirs_here = {item: other[item] for item in items if item in other} if category else other
            compared = compare(
                {item: own[item] for item in items},
                theirs_here,
                np.random.default_rng(seed),
                higher_is_better=metric not in lower_is_better,
            )
            found.append(_plain(compared, group, baseline, metric, category))
    return found


def _plain(found: ItemComparison, group: str, baseline: str, metric: str, category: str) -> PairedItems:
    return PairedItems(
        group=group,
        baseline=baseline,
        metric=metric,
        category=category,
        verdict=found.verdict,
        items=found.items,
        unshared=found.unshared,
        difference=as_range(found.mean),
        improved=as_range(found.improved),
        p_value=number(found.p_value),
    )


def _last(member: Member) -> dict[str, Evaluation]:
    """Return the last evaluation with items for each policy. The policy in training has the empty name."""
    from rlvitals.comparison.metric_queries import last_records  # noqa: PLC0415 - a trainer needs no database

    last: dict[str, Evaluation] = {}
    found: list[Any] = last_records(member.run, "evaluations", _LAST)
    for evaluation in found:
        if evaluation.items:
            last[evaluation.policy or _AGENT] = evaluation
    return last
