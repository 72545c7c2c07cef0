"""The parts of a report that only a hyperparameter study has, whose episodes are trials."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from rlvitals.documents.charts import CurveChart, Heat
from rlvitals.documents.document import Block, Cell, Facts, Prose, Section, Table, charts_of, table_of
from rlvitals.documents.run_data import RunData
from rlvitals.documents.run_tables import speed_facts, value
from rlvitals.formatting import NOT_REPORTED, count, counted, format_any, format_duration, number
from rlvitals.records.metrics import metric_of
from rlvitals.records.objectives import Objective, custom_objectives
from rlvitals.records.setting_names import TRIAL_EVENT
from rlvitals.summary.measures import Measured
from rlvitals.summary.run_summary import Speed

_REWARD = "reward"
_VALUE = "value"


def study_facts(data: RunData) -> Iterator[tuple[str, str, str]]:
    """Yield the key facts of a study: name, value and explanation."""
    overview = data.summary.overview
    best = overview.best_trial
    if best is not None:
        yield "best value", number(best.value), f"trial {count(best.number)}, {best.direction}"
    failed = Counter(
        (event.code or "").removeprefix(f"{TRIAL_EVENT}-") for event in data.events if event.kind == TRIAL_EVENT
    )
    states = Counter({end.reason or NOT_REPORTED: end.episodes for end in data.summary.ends}) + failed
    trials = overview.episodes + failed.total()
    parts = [f"{count(many)} {state}" for state, many in states.items()] if states.total() == trials else []
    yield "trials", count(trials), ", ".join([*parts, f"in {format_duration(overview.state.duration)}"])
    if overview.episode_rate is not None:
        yield "speed", number(overview.episode_rate, 3), "trials with a value per minute"


def study_sections(data: RunData, curves: Mapping[str, CurveChart]) -> Iterator[Section]:
    """Write the best trial of a study, and the values of all trials.

    Args:
        data: Data of the run.
        curves: Curves of the run, by name.
    """
    best = data.summary.overview.best_trial
    if best is not None:
        rows: list[tuple[str, Cell]] = [("Trial", count(best.number)), ("Value", f"{number(best.value)}, {best.rank}")]
        rows += [(name, format_any(chosen)) for name, chosen in best.parameters.items()]
        yield Section("best", "Best trial", "", (Facts(tuple(rows)),))
    yield Section(
        "values",
        "Values of the trials",
        "A pruned trial has its last reported value. The order of the trials is that of the sampler.",
        tuple(_value_blocks(data, curves)),
    )


def study_speed_facts(speed: Speed) -> Iterator[tuple[str, str]]:
    """List the duration of the trials and the resources used. A trial has no environment steps."""
    if speed.episode_seconds is not None:
        yield "Mean trial duration", format_duration(speed.episode_seconds)
    of_episodes = ("episode_seconds", "steps_per_second", "recent_steps_per_second", "episodes_per_minute")
    yield from speed_facts(msgspec.structs.replace(speed, **dict.fromkeys(of_episodes)))


def without_rewards(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return an analysis of parameters with the values of a study as the only outcomes.

    The reward of a trial is its first value, with the sign that makes higher rewards better.

    Args:
        found: Analysis of the parameters (`rlvitals.summary.tried_parameters.exploration_facts`).
    """
    values = [one for one in found["findings"] if one["outcome"] != _REWARD]
    return {**found, "findings": values or [{**one, "outcome": _VALUE} for one in found["findings"]]}


def heats_without_rewards(heats: tuple[Heat, ...], data: RunData) -> tuple[Heat, ...]:
    """Return the heat maps of the values of a study, as `without_rewards` does."""
    repeated = f"heat_{_REWARD}"
    if custom_objectives(data.header.configuration):
        return tuple(heat for heat in heats if heat.key != repeated)
    return tuple(heat._replace(title=f"Mean {_VALUE} by {heat.x} and {heat.y}") for heat in heats)


def _value_blocks(data: RunData, curves: Mapping[str, CurveChart]) -> Iterator[Block]:
    measures = data.summary.measures
    objectives = [one for one in _objectives(data) if one.name in measures]
    if not objectives:
        yield Prose("No trial has a value.")
        return
    yield charts_of(*(_chart(one, curves[one.name]) for one in objectives if one.name in curves))
    yield _values_table(objectives, measures)


def _objectives(data: RunData) -> tuple[Objective, ...]:
    return custom_objectives(data.header.configuration) or (Objective(_REWARD, "higher"),)


def _title(objective: Objective) -> str:
    return metric_of("episodes", _VALUE if objective.name == _REWARD else objective.name).title


def _chart(objective: Objective, curve: CurveChart) -> CurveChart:
    each = curve.lines[0]._replace(kind="main", label="", dots=True)  # the trials are separate, so none are averaged
    about = "Value of each trial."
    return curve._replace(title=_title(objective), clock="trial", unit="", about=about, lines=(each,), bands=())


def _values_table(objectives: list[Objective], measures: Mapping[str, Measured]) -> Table:
    columns: dict[str, Callable[[Objective], Cell]] = {
        "objective": _title,
        "better": lambda one: one.better,
        "lowest": lambda one: value(measures[one.name].min),
        "median": lambda one: value(measures[one.name].median),
        "highest": lambda one: value(measures[one.name].max),
    }
    trials = max(measures[one.name].counts.total for one in objectives)
    return table_of(objectives, columns, texts={"better"}, caption=f"Over {counted(trials, 'trial')} with a value")
