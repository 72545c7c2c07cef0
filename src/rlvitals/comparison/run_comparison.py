"""`compare`: the entry point of the comparison."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rlvitals.comparison.applied_rules import notes_of
from rlvitals.comparison.caveats import limits_of
from rlvitals.comparison.duplicate_runs import doubtful_seeds, without_repeats
from rlvitals.comparison.experiments import UNKNOWN_SETTINGS, By, Member, differing, members_of
from rlvitals.comparison.explanations import settings_effect
from rlvitals.comparison.group_estimates import STATISTICS, group_of, thresholds_of
from rlvitals.comparison.hypothesis_tests import TestPlan, judged, pairs_of
from rlvitals.comparison.metric_source import BLOCKS, LARGEST, MetricExtent, MetricSource, source_of
from rlvitals.comparison.outcomes import Horizon, horizon_of, outcome_of
from rlvitals.comparison.pairing import paired_items
from rlvitals.comparison.result import Axis, Comparison, Refusal, RunOutcome, Statistic
from rlvitals.comparison.run_selection import What, opened
from rlvitals.comparison.substitutes import Substitutes, extent_of, fill, notes_on, substitutes_of
from rlvitals.errors import ColumnError, ComparisonError
from rlvitals.records.metrics import metric_of
from rlvitals.records.objectives import Direction, custom_objectives, declared_directions
from rlvitals.runs import Run

References = Mapping[str, tuple[float, float]]

_COSTS = frozenset({"loss", "duration", "memory"})
"""Metrics without a better direction within a run, for which lower is better between runs."""
_FEWEST_BLOCKS = 10
_SHOWN = 40


def compare(
    *what: What | Sequence[What],
    metric: str = "reward",
    by: By | None = None,
    baseline: str | None = None,
    statistic: Statistic = "final",
    axis: Axis | None = None,
    horizon: float | None = None,
    target: float | None = None,
    margin: float | None = None,
    references: References | None = None,
    every_pair: bool = False,
    higher_is_better: bool | None = None,
    level: float = 0.05,
    unit: str = "run",
    seed: int = 0,
    folder: str | Path | None = None,
) -> Comparison:
    """Compare groups of runs and return the conclusions that the data support.

    Runs with the same configuration (all settings except the seed) form one group. Runs that recorded no settings form
    a separate group that is not compared with any other. If several folders of runs or patterns are given, each forms
    its own group. The same holds for `name=pattern`.

    Args:
        *what: Runs, folders of runs, run folders, patterns (`logs/a-*`), or any of these with the prefix `name=`.
        metric: Number of the episodes, evaluations or updates: `reward`, `evaluations.reward`, `updates.entropy`,
            `reward_parts.size`.
        by: Alternative grouping: the name of a setting, an SQL expression over settings, or a function of the run.
        baseline: Group that the other groups are compared with. By default, the first group.
        statistic: `final` (mean over the last tenth of the horizon), `area` (mean over the whole horizon) or `best`
            (best block mean).
        axis: Axis along which runs are aligned: `env_step`, `episode`, `update` or `time` (seconds since the first
            record). By default, environment steps if all runs report them, otherwise episodes or updates.
        horizon: End of the comparison on the axis. By default, the end of the shortest completed run.
        target: Mean of the metric for which the time to target is measured.
        margin: Margin within which two groups count as the same, in units of the metric.
        references: For each environment, the scores that map to 0 and to 1. Required to combine several environments.
        every_pair: Whether to compare every pair of groups instead of each group with the baseline.
        higher_is_better: Whether higher is better. By default true, except for losses, durations and the metrics in the
            runs' settings `lower_is_better` and `higher_is_better`.
        level: Significance level of every test. Intervals of differences have confidence `1 - level`, all others 0.95.
        unit: `run`. Any other value is refused.
        seed: Random seed for resampling and permutations. The same seed gives the same result.
        folder: Folder of runs in which to look up names and patterns that the working directory does not have.

    Raises:
        ComparisonError: There is nothing to compare, or an option is invalid.
        ColumnError: The metric does not exist.
        RunNotFoundError: A path or folder has no run.
        RunFormatError: A segment is damaged.
    """
    from rlvitals.comparison.metric_queries import measured  # noqa: PLC0415 - a trainer needs no database

    _refuse_episodes(unit)
    _refuse_numbers(statistic, level=level, margin=margin, target=target, seed=seed)
    runs, given, refused = opened(what, None if folder is None else Path(folder))
    metric = _full_name(metric, runs)
    source = source_of(metric)
    members = members_of(runs, given, by)
    labels = [member.label for member in members]
    axis, found, substitutes = _extents(runs, labels, source, axis)
    ends = _horizons(members, found, source, horizon)
    blocks = _blocks(found)
    table = measured(runs, labels, source, axis, [ends[member.task].place for member in members], blocks)
    fill(table, labels, substitutes, axis)
    better = _direction(members, source, higher_is_better)
    sign = 1.0 if better else -1.0
    outcomes = [
        _scaled(
            outcome_of(member, found.get(member.label), row, table, source, axis, sign=sign, target=target), references
        )
        for row, member in enumerate(members)
    ]
    outcomes = without_repeats(members, outcomes, found, source, substitutes)
    groups = _grouped(members, baseline)
    of_group = {name: [outcomes[row] for row in rows] for name, rows in groups.items()}
    shown = differing(members)[:_SHOWN] if len(groups) > 1 else []
    generator = np.random.default_rng(seed)
    thresholds = thresholds_of(outcomes, statistic)
    made = [
        group_of(
            name,
            [members[row] for row in rows],
            of_group[name],
            table,
            rows,
            shown=shown,
            statistic=statistic,
            sign=sign,
            thresholds=thresholds,
            normalised=references is not None,
            target=target,
            generator=generator,
        )
        for name, rows in groups.items()
    ]
    names = _pairs(
        [name for name in groups if name in {*groups} - {UNKNOWN_SETTINGS} | {baseline}], every_pair=every_pair
    )
    places = {task: end.place for task, end in ends.items()}
    # If no run has episodes, the notes state what the reward is.
    name = source.field if len(substitutes) == len(labels) else source.name
    question = TestPlan(statistic, name, better, level, margin, places, target is not None, references is not None)
    versus = judged(pairs_of(of_group, names, normalised=references is not None), question, generator)
    comparison = Comparison(
        metric=name,
        higher_is_better=better,
        statistic=statistic,
        axis=axis,
        horizons=places,
        level=level,
        target=target,
        groups=made,
        comparisons=versus,
        runs=outcomes,
        differences={
            setting: {group.name: group.settings.get(setting) for group in made}
            for setting in shown
            if len({repr(group.settings.get(setting)) for group in made}) > 1
        },
        paired=paired_items(
            {name: [members[row] for row in rows if outcomes[row].repeats is None] for name, rows in groups.items()},
            names,
            seed,
            lower_is_better={name for name, one in _declared(members).items() if one == "lower"},
        ),
        settings=settings_effect(
            members,
            {one.run: one for one in outcomes},
            statistic,
            generator,
            higher_is_better=better,
            level=level,
        ),
        notes=[
            *notes_on(substitutes),
            *doubtful_seeds(members, outcomes),
            *notes_of(
                made,
                outcomes,
                source=source,
                axis=axis,
                horizons=ends,
                blocks=blocks,
                better=better,
                normalised=references is not None,
                refused=refused,
                effects=any(one.effect.low is not None for one in versus),
            ),
        ],
        refused=[Refusal(str(path), str(error)) for path, error in refused],
    )
    comparison.limits.extend(limits_of(comparison))
    return comparison


def _refuse_episodes(unit: str) -> None:
    if unit == "run":
        return
    raise ComparisonError(
        f"unit {unit!r}: only runs can be compared. Episodes of one run share a policy and a seed, so a t test over "
        "the episodes of single runs reports noise as significant in 68 % of cases, and no number of episodes shows "
        "the result of another seed. Train at least 3 seeds of each and compare those"
    )


def _refuse_numbers(statistic: str, *, level: float, margin: float | None, target: float | None, seed: int) -> None:
    if statistic not in STATISTICS:
        raise ComparisonError(f"statistic {statistic!r}: use one of {', '.join(STATISTICS)}")
    if not 0.0 < level < 0.5:  # noqa: PLR2004 -- a higher level has no meaning for a two-sided test or a margin
        raise ComparisonError(f"level {level!r}: use a significance level between 0 and 0.5, such as 0.05")
    if margin is not None and not (margin > 0.0 and math.isfinite(margin)):
        raise ComparisonError(f"margin {margin!r}: use a finite margin above zero, in units of the metric")
    if target is not None and not math.isfinite(target):
        raise ComparisonError(f"target {target!r}: use a finite mean of the metric")
    if seed < 0:
        raise ComparisonError(f"seed {seed!r}: use a whole number of at least 0")


def _extents(
    runs: Sequence[Run], labels: Sequence[str], source: MetricSource, axis: Axis | None
) -> tuple[Axis, dict[str, MetricExtent], Substitutes]:
    found, substitutes = _extents_on(runs, labels, source, axis or "env_step")
    if axis is not None or len(found) == len(labels):
        return axis or "env_step", found, substitutes
    other: Axis = "update" if source.stream == "updates" else "episode"
    more, others = _extents_on(runs, labels, source, other)
    return (other, more, others) if len(more) > len(found) else ("env_step", found, substitutes)


def _extents_on(
    runs: Sequence[Run], labels: Sequence[str], source: MetricSource, axis: Axis
) -> tuple[dict[str, MetricExtent], Substitutes]:
    from rlvitals.comparison.metric_queries import extents  # noqa: PLC0415 - a trainer needs no database

    found = extents(runs, labels, source, axis)
    substitutes = substitutes_of(runs, labels, found, source, axis)
    return found | {label: extent_of(series, axis) for label, series in substitutes.items()}, substitutes


def _horizons(
    members: Sequence[Member], found: Mapping[str, MetricExtent], source: MetricSource, wanted: float | None
) -> dict[str, Horizon]:
    """Return the end of the comparison for each task."""
    if not found:
        raise ColumnError(
            f"none of the {len(members)} runs has a value of {source.name}; choose a metric that they recorded"
        )
    if wanted is not None and not (wanted > 0.0 and math.isfinite(wanted)):
        raise ComparisonError(f"horizon {wanted!r}: use a finite position on the axis above zero")
    ends = {}
    for task in dict.fromkeys(member.task for member in members):
        end = horizon_of([member for member in members if member.task == task], found)
        if wanted is not None:
            end = Horizon(float(wanted), "as requested")
        ends[task] = end if end.place > 0.0 else Horizon(1.0, "no run got past the start")
    return ends


def _blocks(found: Mapping[str, MetricExtent]) -> int:
    """Return the number of blocks: 100, or fewer in tens so that each has two places. 10 evaluations have 10 blocks."""
    values = float(np.median([min(extent.values, extent.places) for extent in found.values()]))
    return int(min(BLOCKS, max(_FEWEST_BLOCKS, values // (2 * _FEWEST_BLOCKS) * _FEWEST_BLOCKS)))


def _full_name(metric: str, runs: Sequence[Run]) -> str:
    """Return the column of a custom objective, and any other metric unchanged."""
    custom = {one.name: one.column for run in runs for one in custom_objectives(run.header.configuration)}
    return custom.get(metric, metric)


def _direction(members: Sequence[Member], source: MetricSource, wanted: bool | None) -> bool:
    if wanted is not None:
        return wanted
    last = source.field.rpartition(".")[2]
    directions = _declared(members)
    named = {directions[name] for name in (last, source.field, source.name) if name in directions}
    if named:
        return "lower" not in named
    return metric_of(source.stream, last).better != "lower" and last not in _COSTS


def _declared(members: Sequence[Member]) -> dict[str, Direction]:
    """Return the directions of metrics that the configurations of the runs declare. Lower wins over higher."""
    found: dict[str, Direction] = {}
    for member in members:
        for name, direction in declared_directions(member.header.configuration).items():
            found[name] = "lower" if found.get(name) == "lower" else direction
    return found


def _scaled(outcome: RunOutcome, references: References | None) -> RunOutcome:
    if references is None or not outcome.outcomes:
        return outcome
    if outcome.task not in references:
        raise ComparisonError(
            f"references: none for the environment {outcome.task!r} of run {outcome.run}. Give the scores that map to "
            "0 and to 1"
        )
    zero, one = references[outcome.task]
    if not (math.isfinite(one - zero) and zero != one):
        raise ComparisonError(
            f"references: {zero!r} and {one!r} for {outcome.task!r}. Give two different finite scores"
        )
    scaled = {name: (value - zero) / (one - zero) for name, value in outcome.outcomes.items()}
    if not all(abs(value) < LARGEST for value in scaled.values()):
        raise ComparisonError(
            f"references: {zero!r} and {one!r} for {outcome.task!r} are so close that the normalised outcome of run "
            f"{outcome.run} exceeds {LARGEST:g}"
        )
    outcome.outcomes.update(scaled)
    return outcome


def _grouped(members: Sequence[Member], baseline: str | None) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for row, member in enumerate(members):
        groups.setdefault(member.group, []).append(row)
    if baseline is None:  # runs with unknown settings are not compared
        unknown = {name: rows for name, rows in groups.items() if name == UNKNOWN_SETTINGS}
        return {name: rows for name, rows in groups.items() if name not in unknown} | unknown
    if baseline not in groups:
        raise ComparisonError(f"baseline {baseline!r} is not a group: the groups are {', '.join(groups)}")
    return {baseline: groups[baseline]} | groups


def _pairs(names: Sequence[str], *, every_pair: bool) -> list[tuple[str, str]]:
    if every_pair:
        return [(later, earlier) for at, earlier in enumerate(names) for later in names[at + 1 :]]
    return [(name, names[0]) for name in names[1:]]
