"""Comparisons of the policy in training with the baselines that a run evaluated, item by item where items are known."""

import contextlib
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.formatting import counted
from rlvitals.records import Evaluation
from rlvitals.records.objectives import declared_directions
from rlvitals.stats.groups.mean_comparison import compare_means
from rlvitals.stats.groups.paired_items import ItemComparison, compare
from rlvitals.stats.groups.welch import Moments

METRICS = ("reward", "quality", "success")
"""Metrics of the items that the monitor knows. The first one that was compared decides which policy is better."""
ATTEMPTS = "attempts"
"""Entry of `Evaluation.extra`: number of attempts per item, of which the best one counts."""
MOST_POLICIES = 64
"""Maximum number of policies whose last evaluation is kept. Evaluations of further policies are not compared."""

WORSE_BY_CHANCE = Threshold(
    0.05, "%", "Probability of the difference by chance, times the number of baselines, up to which it counts."
)
SMALL_GAIN = Threshold(
    0.5,
    "standard deviations",
    "Mean gain, relative to the gains on single items. If the interval excludes more, the policy is not better; "
    "otherwise no gain is shown.",
)
_BEST_OF = re.compile(r"\bbest[ -]of[ -](\d{1,9})\b", re.IGNORECASE)
_SPREADS = {"reward": "reward_std", "quality": "quality_std"}
"""Fields with the mean and the standard deviation over the episodes of an evaluation."""
_LONGEST_LABEL = 60
_NORMAL_95 = 1.96
_SEED = 0
"""A fixed seed, so that the intervals are reproducible."""


class BaselineComparison(NamedTuple):
    """Comparison of the last evaluation of the policy in training with the last one of a baseline, for one metric.

    Attributes:
        baseline: Name of the baseline.
        metric: Compared metric of the items.
        is_lower_better: Whether lower values of the metric are better.
        attempts: Number of attempts per item of the baseline.
        is_comparable: Whether the baseline made at most as many attempts per item as the policy.
        is_paired: Whether the same items are compared. Otherwise the means over evaluation episodes are compared.
        env_step: Environment step of the evaluation of the policy, if it was recorded.
        found: Result of the comparison.
    """

    baseline: str
    metric: str
    is_lower_better: bool
    attempts: int
    is_comparable: bool
    is_paired: bool
    env_step: int | None
    found: ItemComparison

    @property
    def gain(self) -> float:
        """Mean advantage of the policy over the baseline, in the units of the metric."""
        return -self.found.mean.estimate if self.is_lower_better else self.found.mean.estimate

    @property
    def label(self) -> str:
        """Name of the baseline for a sentence: on one line, and shortened."""
        name = " ".join(self.baseline.split())
        return name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 3]}..."

    @property
    def sample(self) -> str:
        """Number of compared items, or of evaluation episodes of the smaller evaluation, as text."""
        return counted(self.found.items, "item" if self.is_paired else "episode")


class BaselineEvaluations:
    """The last evaluation of each policy of a run. Comparisons are cached until one of their evaluations changes."""

    def __init__(self) -> None:
        self._last: dict[str | None, Evaluation] = {}
        self._known: dict[tuple[str, str, bool], tuple[Evaluation, Evaluation, ItemComparison]] = {}

    def add(self, evaluation: Evaluation) -> None:
        """Add an evaluation. Those without items and without the spread of their reward cannot be compared.

        Args:
            evaluation: Next evaluation of the run. It belongs to a baseline if it has a `policy`.
        """
        is_usable = evaluation.items or _moments(evaluation, "reward") is not None
        if is_usable and (evaluation.policy in self._last or len(self._last) < MOST_POLICIES):
            self._last[evaluation.policy] = evaluation

    def comparisons(self, lower_is_better: Collection[str] = ()) -> tuple[BaselineComparison, ...]:
        """Compare the policy in training with each baseline.

        Args:
            lower_is_better: Metrics for which lower is better, such as the bytes of a file.

        Returns:
            One comparison per baseline, in the order of recording, and metric with at least one shared item. Without
            shared items, reward and quality are compared if number and standard deviation of the episodes are known.
        """
        mine = self._last.get(None)
        if mine is None:
            return ()
        return tuple(
            BaselineComparison(
                baseline=name,
                metric=metric,
                is_lower_better=metric in lower_is_better,
                attempts=attempts_of(theirs),
                is_comparable=attempts_of(theirs) <= attempts_of(mine),
                is_paired=is_paired,
                env_step=mine.env_step,
                found=self._compared(mine, theirs, name, metric, metric in lower_is_better),
            )
            for name, theirs in list(self._last.items())  # another thread can add an evaluation
            if name is not None
            for metric, is_paired in _shared_metrics(mine, theirs)
        )

    def _compared(self, mine: Evaluation, theirs: Evaluation, name: str, metric: str, lower: bool) -> ItemComparison:
        known = self._known.get((name, metric, lower))
        if known is not None and known[0] is mine and known[1] is theirs:
            return known[2]
        ours, others = _values(mine, metric), _values(theirs, metric)
        if ours.keys() & others.keys():
            found = compare(ours, others, np.random.default_rng(_SEED), higher_is_better=not lower)
        else:
            first, second = _moments(mine, metric), _moments(theirs, metric)
            assert first is not None, "only shared metrics are compared"
            assert second is not None, "only shared metrics are compared"
            found = compare_means(first, second, higher_is_better=not lower)
        self._known[name, metric, lower] = (mine, theirs, found)
        return found


def attempts_of(evaluation: Evaluation) -> int:
    """Return the number of attempts per item of an evaluation, of which the best one counts.

    It is the entry `attempts` of `extra`, otherwise the number in a name such as "random, best of 40", otherwise 1.
    """
    said = (evaluation.extra or {}).get(ATTEMPTS)
    if isinstance(said, int | float) and math.isfinite(said):
        return max(1, int(said))
    named = _BEST_OF.search(evaluation.policy or "")
    return max(1, int(named[1])) if named else 1


def deciding(comparisons: Iterable[BaselineComparison]) -> list[BaselineComparison]:
    """Return the comparison that decides against each comparable baseline with enough items, in the order of recording.

    It is the one of the first compared metric of `METRICS`, usually the reward, otherwise of the first metric.
    """
    first: dict[str, BaselineComparison] = {}
    for one in comparisons:
        if one.is_comparable:
            first.setdefault(one.baseline, one)
    return [one for one in first.values() if one.found.verdict != "not enough items"]


def unbeaten(comparisons: Iterable[BaselineComparison]) -> list[BaselineComparison]:
    """Return the deciding comparisons that do not show the policy to be better, the strongest baseline first."""
    return sorted((one for one in deciding(comparisons) if one.found.verdict != "better"), key=lambda one: one.gain)


def shown_worse(comparisons: Iterable[BaselineComparison]) -> list[BaselineComparison]:
    """Return the deciding comparisons that show the policy to be worse, the strongest baseline first.

    Bonferroni's correction accounts for the number of baselines.
    """
    every = deciding(comparisons)
    return [
        one
        for one in unbeaten(every)
        if one.found.verdict == "worse" and one.found.p_value * len(every) <= WORSE_BY_CHANCE
    ]


def relation_to(one: BaselineComparison) -> str:
    """Return the relation to a baseline that the policy is not shown to beat, in words before its name."""
    low, high = one.found.mean[1:]
    deviation = 0.5 * (high - low) * math.sqrt(one.found.items) / _NORMAL_95
    most = -low if one.is_lower_better else high
    return "not better than" if most <= SMALL_GAIN * deviation else "no gain shown over"


def named_lower(configuration: Mapping[str, Any]) -> list[str]:
    """Return the metrics that a configuration lists as `lower_is_better`."""
    return [name for name, better in declared_directions(configuration).items() if better == "lower"]


def _shared_metrics(mine: Evaluation, theirs: Evaluation) -> Iterator[tuple[str, bool]]:
    """Yield the metrics that two evaluations share, and whether they share items with them."""
    paired = [metric for metric in _metrics(mine) if _values(mine, metric).keys() & _values(theirs, metric).keys()]
    yield from ((metric, True) for metric in paired)
    if not paired:
        for metric in _SPREADS:
            if _moments(mine, metric) is not None and _moments(theirs, metric) is not None:
                yield metric, False


def _moments(evaluation: Evaluation, metric: str) -> Moments | None:
    """Return the size, mean and variance of the episodes of an evaluation; `None` if one of them is unknown."""
    mean, spread = getattr(evaluation, metric, None), getattr(evaluation, _SPREADS.get(metric, ""), None)
    if mean is None or not spread or not evaluation.episodes or not math.isfinite(mean + spread):
        return None
    return Moments(evaluation.episodes, mean, spread * spread)


def _metrics(evaluation: Evaluation) -> list[str]:
    """Return the metrics of an evaluation's items, the known metrics first."""
    items = (item for item in (evaluation.items or {}).values() if isinstance(item, Mapping))
    names = dict.fromkeys(name for item in items for name in item)
    return sorted(names, key=lambda name: (METRICS.index(name) if name in METRICS else len(METRICS), str(name)))


def _values(evaluation: Evaluation, metric: str) -> dict[Any, float]:
    values: dict[Any, float] = {}
    for item, said in (evaluation.items or {}).items():
        value = said.get(metric) if isinstance(said, Mapping) else None
        if isinstance(value, int | float):
            with contextlib.suppress(OverflowError):  # an integer beyond the largest float
                values[item] = float(value)
    return values
