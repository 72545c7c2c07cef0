"""Explanations of differences: where two runs diverge, which settings have an effect, and a run's rank in history."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from rlvitals.comparison.duplicate_runs import training_of
from rlvitals.comparison.experiments import Member, members_of
from rlvitals.comparison.group_estimates import as_range
from rlvitals.comparison.metric_source import BLOCKS, source_of
from rlvitals.comparison.result import Axis, RunOutcome, SettingInfluence, SettingsEffect
from rlvitals.comparison.substitutes import extent_of, fill, notes_on, substitutes_of
from rlvitals.comparison.wording import AXIS_WORDS, is_known_to_differ, short
from rlvitals.errors import ComparisonError
from rlvitals.formatting import counted, percent
from rlvitals.records import STREAMS
from rlvitals.records.metrics import metric_named
from rlvitals.records.schema import Column, fields
from rlvitals.runs import Run
from rlvitals.stats.groups.divergence import series_divergence
from rlvitals.stats.parameters.sensitivity import sensitivity

_FEWEST_CONFIGURATIONS = 5
_FEWEST_RUNS = 10
_FEWEST_EARLIER = 39
"""Number of earlier runs from which the two outermost ranks together have a probability of 5 %: 2 in 40."""
_NOT_COMPARED = frozenset({"time", "writer", "step", "env_step", "update", "duration"})


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """First difference between two runs.

    Attributes:
        kind: identical, exact, beyond noise, not shown or not enough data (`rlvitals.stats.groups.divergence`).
        update: Index of the first update that differs, from 0. `None` if there is none.
        env_step: Environment steps of the first run at that update. `None` if they were not reported.
        metrics: Metrics that differ there, the clearest first.
        compared: Number of updates that both runs have.
        differences: Settings, versions and commit that differ, each with the value of both runs. Unknown values are
            `None`.
        sentences: Explanation in sentences.
    """

    kind: str
    update: int | None
    env_step: int | None
    metrics: list[str]
    compared: int
    differences: dict[str, tuple[Any, Any]]
    sentences: list[str]


class HistoryRank(msgspec.Struct, frozen=True, kw_only=True):
    """Rank of a run among earlier runs of the same environment.

    Attributes:
        run: Name of the run.
        task: Environment.
        metric: Compared metric.
        place: Position on the axis: the current end of the run.
        value: Mean of the metric in the last tenth up to that position. `None` without a finite value.
        earlier: Number of earlier runs that reached that position.
        below: Number of earlier runs with a lower value.
        equal: Number of earlier runs with the same value.
        chance: Two-sided probability of a rank at least this extreme if the run were one of the earlier runs.
        sentences: Explanation in sentences.
    """

    run: str
    task: str
    metric: str
    place: float
    value: float | None
    earlier: int
    below: int
    equal: int
    chance: float | None
    sentences: list[str]


def first_divergence(first: Run, second: Run) -> Divergence:
    """Find the first update from which two runs differ, and the differences in their configuration.

    Args:
        first: First run.
        second: Second run.

    Raises:
        RunFormatError: A segment is damaged.
    """
    names = [
        field.name
        for field in fields(STREAMS["updates"])
        if field.column is Column.NUMBER and field.name not in _NOT_COMPARED
    ]
    series = [_series(run, names) for run in (first, second)]
    found = series_divergence(series[0], series[1])
    step = None
    if found.place is not None:
        steps = first.updates.read("env_step", "step")
        column = steps["env_step"] if steps["env_step"].count() else steps["step"]
        step = (
            None
            if column.mask is not np.ma.nomask and np.ma.getmaskarray(column)[found.place]
            else int(column[found.place])
        )
    members = members_of([first, second], {}, None)
    one, other = (member.settings | {"seed": member.seed} | member.facts for member in members)
    differences = {
        name: (one.get(name), other.get(name))
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name)
    }
    return Divergence(
        kind=found.kind,
        update=found.place,
        env_step=step,
        metrics=list(found.metrics),
        compared=found.compared,
        differences=differences,
        sentences=_parting_words(
            found.kind,
            found.place,
            found.metrics,
            found.compared,
            differences,
            unknown=sum(not member.is_known for member in members),
        ),
    )


def rank_in_history(
    run: Run, earlier: Sequence[Run], metric: str = "reward", *, axis: Axis = "env_step"
) -> HistoryRank:
    """Rank a run among earlier runs of the same environment, at the same position on the axis.

    The share of lower runs is reported as a rank. Among `n` earlier runs and one more, each rank has a probability of
    `1 / (n + 1)` if nothing has changed (Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World). With
    14 earlier runs, "below the 5th percentile" can therefore never be shown at an error rate of 5 %.

    Args:
        run: Run to rank, live or finished.
        earlier: Candidates, such as all runs in a folder. Only runs of the same environment that started before the run
            count. Copies of the run do not count.
        metric: As for `compare`.
        axis: As for `compare`.

    Raises:
        ComparisonError: The run has no value of the metric.
    """
    from rlvitals.comparison.metric_queries import extents, measured  # noqa: PLC0415 - a trainer needs no database

    source = source_of(metric)
    others = _earlier_trainings(run, earlier)
    members = members_of([run, *others], {}, "task")
    me = members[0]
    kept = [me, *(member for member in members[1:] if member.task == me.task)]
    runs, labels = (
        [member.run for member in kept],
        [member.label for member in members_of([m.run for m in kept], {}, None)],
    )
    known = extents(runs, labels, source, axis)
    substitutes = substitutes_of(runs, labels, known, source, axis)
    known |= {label: extent_of(series, axis) for label, series in substitutes.items()}
    if labels[0] not in known:
        raise ComparisonError(
            f"{run.path} has no {source.name} along {axis}, so it has no rank; choose a metric that it recorded"
        )
    place = known[labels[0]].reached
    far = [label for label in labels[1:] if label in known and known[label].reached >= place]
    found = measured(runs, labels, source, axis, [place or 1.0] * len(runs))
    fill(found, labels, substitutes, axis)
    values = {label: _recent(found.means[at], found.counts[at]) for at, label in enumerate(labels)}
    mine = values[labels[0]]
    theirs = np.array([value for label in far if (value := values[label]) is not None])
    below = int(np.count_nonzero(theirs < mine)) if mine is not None else 0
    equal = int(np.count_nonzero(theirs == mine)) if mine is not None else 0
    chance = None
    if mine is not None and theirs.size:
        rank = min(below, theirs.size - below - equal)
        chance = min(1.0, 2.0 * (rank + equal + 1) / (theirs.size + 1))
    placed = HistoryRank(
        run=me.run.run_id,
        task=me.task,
        metric=source.name,
        place=place,
        value=mine,
        earlier=int(theirs.size),
        below=below,
        equal=equal,
        chance=chance,
        sentences=[],
    )
    placed.sentences.extend([_placed_words(placed, AXIS_WORDS[axis]), *notes_on(substitutes)])
    return placed


def _earlier_trainings(run: Run, earlier: Sequence[Run]) -> list[Run]:
    """List the trainings that started before the run. Copies of one training count once."""
    seen = {training_of(run.header)} - {None}
    found = []
    for one in earlier:
        training = training_of(one.header)
        if one.header.started < run.header.started and training not in seen:
            found.append(one)
            seen |= {training} - {None}
    return found


def settings_effect(
    members: Sequence[Member],
    outcomes: Mapping[str, RunOutcome],
    statistic: str,
    generator: np.random.Generator,
    *,
    higher_is_better: bool,
    level: float,
) -> SettingsEffect | None:
    """Estimate which settings the outcome depends on.

    Settings that some runs did not record are left out.

    Args:
        members: The runs.
        outcomes: Outcome of each run, by label.
        statistic: `final`, `area` or `best`.
        generator: Random generator for shuffles.
        higher_is_better: Whether higher is better.
        level: Significance level of the tests.

    Returns:
        `None` if there are too few runs or configurations, or several tasks.
    """
    kept = [member for member in members if member.is_known and statistic in outcomes[member.label].outcomes]
    names = [name for name in kept[0].settings if all(name in member.settings for member in kept)] if kept else []
    columns = {name: [member.settings[name] for member in kept] for name in names}
    varied = {name: column for name, column in columns.items() if len({repr(value) for value in column}) > 1}
    configurations = {tuple(repr(member.settings.get(name)) for name in varied) for member in kept}
    if len(kept) < _FEWEST_RUNS or len(configurations) < _FEWEST_CONFIGURATIONS or len({m.task for m in kept}) > 1:
        return None
    scores = [outcomes[member.label].outcomes[statistic] for member in kept]
    found = sensitivity(varied, scores, generator, higher_is_better=higher_is_better, level=level)
    return SettingsEffect(
        verdict=found.verdict,
        runs=found.runs,
        influences=[
            SettingInfluence(
                name=one.name,
                matters=one.matters,
                share=one.share,
                best=one.best,
                worst=one.worst,
                difference=as_range(one.difference),
                p_value=one.p_value,
                adjusted_p=one.adjusted_p,
            )
            for one in found.influences
        ],
        interactions=[(pair.first, pair.second) for pair in found.together if pair.interacts],
        advice=list(found.advice),
    )


def _series(run: Run, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    columns = run.updates.read(*names)
    return {
        name: np.asarray(np.ma.filled(column.astype(np.float64), np.nan), dtype=np.float64)
        for name, column in columns.items()
        if column.count()
    }


def _recent(means: NDArray[np.float64], counts: NDArray[np.int64]) -> float | None:
    last = counts > 0
    last[: BLOCKS - BLOCKS // 10] = False
    return float(np.average(means[last], weights=counts[last])) if last.any() else None


def _parting_words(
    kind: str,
    place: int | None,
    metrics: Sequence[str],
    compared: int,
    differences: Mapping[str, tuple[Any, Any]],
    *,
    unknown: int,
) -> list[str]:
    said = {
        "identical": f"They are equal in all {compared} updates that both have.",
        "exact": f"They are equal to six digits until update {place}, where {', '.join(metrics[:3])} first differ.",
        "beyond noise": (
            f"They differ only by noise until update {place}. From there on, {', '.join(metrics[:3])} are at a "
            "different level."
        ),
        "not shown": "They differ from the beginning, and no update is shown after which they differ more.",
        "not enough data": (
            f"They have {counted(compared, 'update')} in common, which is too few to find where they diverge."
        ),
    }[kind]
    if kind == "identical":
        return [said]
    known = [name for name, values in differences.items() if is_known_to_differ(values)]
    settings = [name for name in known if not name.startswith("packages.")]
    versions = len(known) - len(settings)
    partly = [name for name in differences if name not in known and not name.startswith("packages.")]
    named = [f"{name} ({differences[name][0]} and {differences[name][1]})" for name in settings[:5]]
    if versions:
        named.append(counted(versions, "package version"))
    if unknown:
        whose = "one of them" if unknown == 1 else "both"
        return [said, f"The settings of {whose} are unknown, so whether their configurations differ is unknown too."]
    if partly and not named:
        recorded = f"Only one of them recorded {', '.join(partly[:5])}, so whether they differ in it is unknown."
        return [said, recorded]
    cause = (
        f"Their configurations differ in {', '.join(named)}. This alone does not show the cause of the divergence."
        if named
        else "Their recorded configurations do not differ."
    )
    return [said, cause]


def _placed_words(placed: HistoryRank, unit: str) -> str:
    place = f"{short(placed.place)} {unit}"
    if placed.value is None:
        return f"There is no finite value in the last tenth up to {place}, so the run has no rank."
    where = f"{placed.task or 'an unnamed environment'} at {place}"
    if not placed.earlier:
        return f"There is no earlier run in {where} to compare with."
    above = placed.earlier - placed.below - placed.equal
    every = "the only earlier run" if placed.earlier == 1 else f"all {placed.earlier} earlier runs"
    if placed.below == 0 and not placed.equal:
        rank = f"lower than {every}"
    elif above == 0 and not placed.equal:
        rank = f"higher than {every}"
    elif placed.earlier == 1:
        rank = f"the same as {every}"
    else:
        rank = f"higher than {placed.below} of {placed.earlier} earlier runs"
        rank += f", and the same as {placed.equal}" if placed.equal else ""
    said = f"In {where}, {metric_named(placed.metric).phrase} is {short(placed.value)}: {rank}."
    if placed.earlier < _FEWEST_EARLIER:
        whose = "1 earlier run" if placed.earlier == 1 else f"{placed.earlier} earlier runs"
        return (
            f"{said} This rank supports no conclusion: among {whose}, even the highest and the lowest rank have a "
            f"probability of {percent(2 / (placed.earlier + 1))} if nothing has changed. From {_FEWEST_EARLIER} "
            "earlier runs on, it is 5 %."
        )
    return (
        f"{said} A rank this far from the middle has a probability of {percent(placed.chance or 1.0)} if nothing has "
        "changed."
    )
