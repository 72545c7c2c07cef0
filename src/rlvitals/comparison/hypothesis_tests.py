"""Hypothesis tests between two groups, and the verdicts that follow from them."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.comparison.group_estimates import as_range, number, way
from rlvitals.comparison.outcomes import scores_of
from rlvitals.comparison.result import (
    Equivalent,
    IntervalEstimate,
    RunOutcome,
    RunsNeeded,
    SequentialResult,
    Verdict,
    Versus,
)
from rlvitals.comparison.wording import Said, sentences_of
from rlvitals.stats.groups.effect_size import hedges_g
from rlvitals.stats.groups.equivalence import equivalence_over_tasks
from rlvitals.stats.groups.multiplicity import benjamini_hochberg, holm
from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.permutation import compare_over_tasks
from rlvitals.stats.groups.power import more_runs
from rlvitals.stats.groups.profiles import improvement_over_tasks
from rlvitals.stats.groups.run_intervals import FEWEST_RUNS
from rlvitals.stats.groups.sequential import sequential_test
from rlvitals.stats.groups.survival import log_rank
from rlvitals.stats.parameters.spline_basis import ranked

NOTHING = IntervalEstimate(None, None, None)
_FEW = 10
"""Size of the smaller group from which unequal spreads hardly affect the test."""
_Values = NDArray[np.float64]


class TestPlan(NamedTuple):
    """Parameters of the tests between two groups.

    Attributes:
        statistic: `final`, `area` or `best`.
        metric: Name of the metric.
        higher_is_better: Whether higher is better. `None` if no direction is better.
        level: Significance level of the verdicts.
        margin: Margin within which groups count as the same. `None` for no equivalence test.
        horizons: End of the comparison on the axis, by task.
        target: Whether a target was given.
        normalised: Whether outcomes of several tasks can be combined.
    """

    statistic: str
    metric: str
    higher_is_better: bool | None
    level: float
    margin: float | None
    horizons: Mapping[str, float]
    target: bool
    normalised: bool


class Pair(NamedTuple):
    """Two groups with the tasks on which they are compared."""

    group: str
    baseline: str
    task: str
    tasks: tuple[str, ...]
    mine: Sequence[RunOutcome]
    theirs: Sequence[RunOutcome]


def pairs_of(
    outcomes: dict[str, list[RunOutcome]], names: Sequence[tuple[str, str]], *, normalised: bool
) -> list[Pair]:
    """Return the comparisons to make: one per shared task, and one for all tasks if they can be combined."""
    found = []
    for group, baseline in names:
        mine, theirs = outcomes[group], outcomes[baseline]
        own = {one.task for one in mine}
        shared = tuple(task for task in dict.fromkeys(one.task for one in theirs) if task in own)
        if len(shared) <= 1 or normalised:
            found.append(Pair(group, baseline, "", shared, mine, theirs))
        if len(shared) > 1:
            found += [Pair(group, baseline, task, (task,), mine, theirs) for task in shared]
    return found


def judged(pairs: Sequence[Pair], question: TestPlan, generator: np.random.Generator) -> list[Versus]:
    """Make all comparisons, with p-values adjusted for each other.

    Args:
        pairs: Pairs of groups to compare.
        question: Parameters of the tests.
        generator: Random generator for permutations and simulated runs.
    """
    count = sum(1 for pair in pairs if _enough(pair, question))
    made = [_tested(pair, question, max(1, count), generator) for pair in pairs]
    p_values = [one.p_value for one in made]
    adjusted, shares = holm(p_values), benjamini_hochberg(p_values)
    return [
        _versus(pair, one, question, float(joint), float(share), count, generator)
        for pair, one, joint, share in zip(pairs, made, adjusted, shares, strict=True)
    ]


class _Made(NamedTuple):
    difference: PairedEffect
    p_value: float
    method: str
    by_rank: bool


def _scores(pair: Pair, question: TestPlan, *, worst: bool) -> tuple[list[_Values], list[_Values]]:
    lowest = (math.inf if question.higher_is_better is False else -math.inf) if worst else None
    mine, theirs = (
        [scores_of(group, question.statistic, task, worst=lowest) for task in pair.tasks]
        for group in (pair.mine, pair.theirs)
    )
    return mine, theirs


def _enough(pair: Pair, question: TestPlan) -> bool:
    mine, theirs = _scores(pair, question, worst=True)
    return bool(pair.tasks) and min(scores.size for scores in (*mine, *theirs)) >= FEWEST_RUNS


def _tested(pair: Pair, question: TestPlan, comparisons: int, generator: np.random.Generator) -> _Made:
    if not pair.tasks:
        return _Made(PairedEffect(math.nan, math.nan, math.nan), math.nan, "none", by_rank=False)
    test = partial(compare_over_tasks, generator=generator, level=question.level, comparisons=comparisons)
    plain = test(_paired(_scores(pair, question, worst=False)))
    every = _paired(_scores(pair, question, worst=True))
    if not any(np.isinf(scores).any() for task in every for scores in task):
        return _Made(plain.difference, plain.p_value, plain.method, by_rank=False)
    tested = test([_ranks(*task) for task in every], interval=False)
    return _Made(plain.difference, tested.p_value, f"{tested.method}, of ranks", by_rank=True)


def _paired(sides: tuple[list[_Values], list[_Values]]) -> list[tuple[_Values, _Values]]:
    return list(zip(*sides, strict=True))


def _ranks(mine: _Values, theirs: _Values) -> tuple[_Values, _Values]:
    """Return ranks within a task. Runs without an outcome are last."""
    ranks = ranked(np.concatenate([mine, theirs]))
    return ranks[: mine.size], ranks[mine.size :]


def _versus(
    pair: Pair,
    made: _Made,
    question: TestPlan,
    adjusted: float,
    share: float,
    comparisons: int,
    generator: np.random.Generator,
) -> Versus:
    mine, theirs = _scores(pair, question, worst=False)
    ranks = _scores(pair, question, worst=True)
    up = -1.0 if question.higher_is_better is False else 1.0
    improvement = improvement_over_tasks(*([up * scores for scores in side] for side in ranks))
    single = len(pair.tasks) == 1
    a, b = (mine[0], theirs[0]) if single else (np.empty(0), np.empty(0))
    same = None
    if question.margin is not None and pair.tasks:
        found = equivalence_over_tasks(_paired((mine, theirs)), question.margin, level=question.level)
        same = Equivalent(found.verdict, question.margin, as_range(found.difference), number(found.p_value))
    is_same = same is not None and same.verdict == "the same" and not made.by_rank
    verdict = _verdict(pair, made, adjusted, improvement, question, is_same=is_same)
    further = None
    if verdict == "no difference shown" and single and not made.by_rank:
        coming = more_runs(a, b, generator, level=question.level / max(1, comparisons))
        further = RunsNeeded(coming.needed, number(coming.chance))
    seen = sequential_test(a, b, level=question.level) if single and min(a.size, b.size) >= FEWEST_RUNS else None
    versus = Versus(
        group=pair.group,
        baseline=pair.baseline,
        task=pair.task or (pair.tasks[0] if single else ""),
        verdict=verdict,
        runs=(sum(scores.size for scores in mine), sum(scores.size for scores in theirs)),
        difference=as_range(made.difference),
        relative=_relative(a, b),
        p_value=number(made.p_value),
        adjusted_p=number(adjusted),
        false_discovery_p=number(share),
        method=made.method,
        effect=as_range(hedges_g(a, b, confidence=1.0 - question.level)) if single else NOTHING,
        improvement=as_range(improvement),
        equivalence=same,
        sequential=(
            None
            if seen is None
            else SequentialResult(seen.verdict, min(seen.e_value, 1e300), as_range(seen.difference))
        ),
        more_runs=further,
        target_p=_target_p(pair, question, generator),
        sentences=[],
    )
    without = tuple(
        sum(one.standing == "counts as worst" and one.task in pair.tasks for one in side) for side in pair[4:]
    )
    said = Said(
        metric=question.metric,
        statistic=question.statistic,
        level=question.level,
        comparisons=comparisons,
        without=(without[0], without[1]),
        tasks=(sorted({one.task for one in pair.mine}), sorted({one.task for one in pair.theirs})),
        normalised=question.normalised,
        wider=_wider(a, b),
    )
    versus.sentences.extend(sentences_of(versus, said))
    return versus


def _verdict(
    pair: Pair, made: _Made, adjusted: float, improvement: PairedEffect, question: TestPlan, *, is_same: bool
) -> Verdict:
    if not pair.tasks:
        return "not comparable"
    if math.isnan(made.p_value):
        return "not enough runs"
    if not adjusted <= question.level:
        return "the same" if is_same else "no difference shown"
    if question.higher_is_better is None:
        return "different"
    if made.by_rank:
        return "better" if improvement.estimate > 0.5 else "worse"  # noqa: PLR2004 -- an even chance
    return "better" if (made.difference.estimate > 0.0) == question.higher_is_better else "worse"


def _relative(mine: _Values, theirs: _Values) -> float | None:
    """Return the difference relative to the baseline's mean. `None` unless all outcomes are positive."""
    if not mine.size or not theirs.size or min(mine.min(), theirs.min()) <= 0.0:
        return None
    return number(float(mine.mean() / theirs.mean() - 1.0))


def _wider(mine: _Values, theirs: _Values) -> float:
    """Return the ratio of the groups' standard deviations. 1 unless the smaller group has 2 to 9 runs."""
    if min(mine.size, theirs.size) not in range(FEWEST_RUNS, _FEW):
        return 1.0
    first, second = float(mine.std()), float(theirs.std())
    if first == second:
        return 1.0
    return first / second if second > 0.0 else math.inf


def _target_p(pair: Pair, question: TestPlan, generator: np.random.Generator) -> float | None:
    if not question.target or len(pair.tasks) != 1:
        return None
    here: Callable[[Sequence[RunOutcome]], list[RunOutcome]] = lambda side: [  # noqa: E731
        one for one in side if one.task == pair.tasks[0]
    ]
    mine, theirs = (way(here(side), question.horizons[pair.tasks[0]]) for side in (pair.mine, pair.theirs))
    first = [True] * len(mine[0]) + [False] * len(theirs[0])
    return number(log_rank(mine[0] + theirs[0], mine[1] + theirs[1], first, generator))
