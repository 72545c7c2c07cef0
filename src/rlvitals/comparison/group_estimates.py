"""Estimates for a group of runs: outcomes, learning curves, performance profile and time to target."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rlvitals.comparison.experiments import Member, differing
from rlvitals.comparison.metric_source import MetricBlocks
from rlvitals.comparison.outcomes import scores_of
from rlvitals.comparison.result import (
    Comparison,
    GroupCurve,
    GroupEstimates,
    IntervalEstimate,
    ProfileCurve,
    Reached,
    RunGroup,
    RunOutcome,
)
from rlvitals.stats.groups.paired_items import PairedEffect
from rlvitals.stats.groups.profiles import optimality_gap, performance_profile
from rlvitals.stats.groups.run_intervals import iqm_over_tasks, mean_of_runs, mean_over_tasks, median_of_runs
from rlvitals.stats.groups.survival import reaching
from rlvitals.stats.groups.welch import t_quantile

STATISTICS = ("final", "area", "best")
_FEWEST = 2
_MOST_VALUES = 8
_THRESHOLDS = 41
_NO_ESTIMATE = IntervalEstimate(None, None, None)


def number(value: float) -> float | None:
    """Return a finite number unchanged, and `None` for any other."""
    return float(value) if math.isfinite(value) else None


def as_range(effect: PairedEffect) -> IntervalEstimate:
    """Convert an effect to an interval estimate. Non-finite values become `None`."""
    return IntervalEstimate(*(number(end) for end in effect))


def group_of(
    name: str,
    members: Sequence[Member],
    outcomes: Sequence[RunOutcome],
    measured: MetricBlocks,
    rows: Sequence[int],
    *,
    shown: Sequence[str],
    statistic: str,
    sign: float,
    thresholds: NDArray[np.float64],
    normalised: bool,
    target: float | None,
    generator: np.random.Generator,
) -> RunGroup:
    """Summarise one group.

    Args:
        name: Name of the group.
        members: Its runs.
        outcomes: Outcomes of its runs.
        measured: Block means of all runs.
        rows: Rows of its runs in `measured`.
        shown: Names of the settings that differ between groups.
        statistic: Compared statistic.
        sign: -1 if lower is better, otherwise 1.
        thresholds: Thresholds of the performance profile.
        normalised: Whether outcomes are normalised by reference scores.
        target: Mean of the metric to reach.
        generator: Random generator for resampling.
    """
    tasks = list(dict.fromkeys(member.task for member in members))
    told = [member.settings | member.facts for member in members]
    counted = sum(one.standing == "counted" for one in outcomes)
    worst = sum(one.standing == "counts as worst" for one in outcomes)
    mixed = len(tasks) > 1 and not normalised
    return RunGroup(
        name=name,
        runs=len(members),
        counted=counted,
        worst=worst,
        left_out=len(members) - counted - worst,
        tasks=tasks,
        settings={setting: _one_or_all([one.get(setting) for one in told]) for setting in shown},
        settings_unknown=sum(not member.is_known for member in members),
        imported=sum(member.is_imported for member in members),
        varying={setting: _distinct([one.get(setting) for one in told]) for setting in differing(members)},
        estimates={one: _estimates(outcomes, one, tasks, mixed, generator) for one in STATISTICS},
        curves={
            task: curve_of(
                measured,
                [row for row, one in zip(rows, outcomes, strict=True) if one.task == task and one.repeats is None],
                next(row for row, one in zip(rows, outcomes, strict=True) if one.task == task),
            )
            for task in tasks
        },
        profile=None if mixed else _profile(outcomes, statistic, tasks, sign, thresholds),
        optimality_gap=(
            as_range(optimality_gap([scores_of(outcomes, statistic, task) for task in tasks], generator))
            if normalised
            else None
        ),
        target=_target(outcomes, float(measured.places[rows[0], -1]))
        if target is not None and len(tasks) == 1
        else None,
    )


def curve_of(measured: MetricBlocks, rows: Sequence[int], placed: int) -> GroupCurve:
    """Average runs of one task in each block, with Student's interval over the runs that have a value there.

    Args:
        measured: Block means of all runs.
        rows: Rows of the runs to average.
        placed: Row of the task, whose block positions apply to all its runs.
    """
    values = measured.means[list(rows)]
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=0) / count
        squares = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0)
        error = np.sqrt(squares / (count - 1) / count)
    reach = np.array([t_quantile(0.975, int(n) - 1) if n >= _FEWEST else math.nan for n in count])
    half = np.where(count >= _FEWEST, reach * error, math.nan)
    return GroupCurve(
        places=measured.places[placed].tolist(),
        mean=[number(value) for value in mean],
        low=[number(value) for value in mean - half],
        high=[number(value) for value in mean + half],
        contributing=count.tolist(),
    )


def mean_on(found: Comparison, group: RunGroup, outcomes: Sequence[RunOutcome], task: str) -> IntervalEstimate:
    """Return the mean of a group's outcomes on one task: the group's own mean if it has only that task.

    Args:
        found: The comparison.
        group: The group.
        outcomes: Outcomes of its runs.
        task: The task.
    """
    if group.tasks == [task]:
        return group.estimates[found.statistic].mean
    with np.errstate(all="ignore"):  # differences and squares of the largest floats overflow
        values = scores_of(outcomes, found.statistic, task)
        return as_range(mean_of_runs(values, np.random.default_rng(0))) if values.size else _NO_ESTIMATE


def thresholds_of(outcomes: Sequence[RunOutcome], statistic: str) -> NDArray[np.float64]:
    """Return the thresholds of profiles: evenly spaced from the lowest to the highest outcome of all runs."""
    values = [one.outcomes[statistic] for one in outcomes if statistic in one.outcomes]
    return np.linspace(min(values), max(values), _THRESHOLDS) if values else np.empty(0)


def _estimates(
    outcomes: Sequence[RunOutcome], statistic: str, tasks: Sequence[str], mixed: bool, generator: np.random.Generator
) -> GroupEstimates:
    scores = [found for task in tasks if (found := scores_of(outcomes, statistic, task)).size]
    if mixed or not scores:
        return GroupEstimates(
            mean=_NO_ESTIMATE, median=_NO_ESTIMATE, iqm=_NO_ESTIMATE, lowest=None, highest=None, spread=None
        )
    every = np.concatenate(scores)
    single = len(scores) == 1
    return GroupEstimates(
        mean=as_range(mean_over_tasks(scores, generator)),
        median=as_range(median_of_runs(every)) if single else _NO_ESTIMATE,
        iqm=as_range(iqm_over_tasks(scores, generator)),
        lowest=float(every.min()),
        highest=float(every.max()),
        spread=float(every.std(ddof=1)) if single and every.size >= _FEWEST else None,
    )


def _profile(
    outcomes: Sequence[RunOutcome],
    statistic: str,
    tasks: Sequence[str],
    sign: float,
    thresholds: NDArray[np.float64],
) -> ProfileCurve | None:
    scores = [scores_of(outcomes, statistic, task, worst=-sign * math.inf) for task in tasks]
    scores = [sign * found for found in scores if found.size]
    if not scores or not thresholds.size:
        return None
    found = performance_profile(scores, sign * thresholds)
    return ProfileCurve(
        thresholds=thresholds.tolist(),
        shares=found.shares.tolist(),
        low=found.low.tolist(),
        high=found.high.tolist(),
    )


def way(outcomes: Sequence[RunOutcome], horizon: float) -> tuple[list[float], list[bool]]:
    """Return each run's time to target or censoring time, and whether it reached the target.

    A run that ended early counts as never reaching the target: it is censored at the horizon. A run that is still
    running is censored at its current position. Duplicate runs are excluded.
    """
    known = [one for one in outcomes if one.repeats is None]
    kept = [one for one in known if one.standing != "left out" or one.reached is not None]
    places = [
        one.steps_to_target
        if one.steps_to_target is not None
        else min(one.reached or 0.0, horizon)
        if one.standing == "left out"
        else horizon
        for one in kept
    ]
    return places, [one.steps_to_target is not None for one in kept]


def _target(outcomes: Sequence[RunOutcome], horizon: float) -> Reached:
    places, reached = way(outcomes, horizon)
    found = reaching(places, reached, horizon)
    return Reached(
        runs=found.runs,
        reached=found.reached,
        median=number(found.median),
        restricted_mean=as_range(found.restricted_mean),
    )


def _one_or_all(values: Sequence[object]) -> object:
    distinct = _distinct(values)
    return distinct[0] if len(distinct) == 1 else distinct


def _distinct(values: Sequence[object]) -> list[object]:
    """Return the different values in order of appearance. If there are too many, the last entry is their number."""
    found: dict[str, object] = {}
    for value in values:
        found.setdefault(repr(value), value)
    distinct = list(found.values())
    return distinct if len(distinct) <= _MOST_VALUES else [*distinct[:_MOST_VALUES], f"{len(distinct)} values in all"]
