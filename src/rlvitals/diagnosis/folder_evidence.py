"""Evidence from a run folder, finished or live: the same tables that a live `EvidenceBuilder` makes."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.diagnosis.attempt_samples import rows_in
from rlvitals.diagnosis.baseline_comparisons import named_lower
from rlvitals.diagnosis.block_table import Floats
from rlvitals.diagnosis.evidence import Context, Evidence
from rlvitals.diagnosis.evidence_builder import OUTCOMES, EvidenceBuilder
from rlvitals.diagnosis.hyperparameters import hyperparameters_of
from rlvitals.records import Episode
from rlvitals.records.attempt_rows import AttemptRow, decoded_attempts
from rlvitals.records.coercion import unspelled
from rlvitals.records.objectives import custom_objectives, declared_directions, parameter_bounds
from rlvitals.runs import Header, Run
from rlvitals.runs.reward_series import reward_series

if TYPE_CHECKING:
    import duckdb

_EPISODES = (
    "time, env_step, reward, length, success::DOUBLE AS success, quality_improvement, memory, "
    "termination_reason, category"
)
_NESTED = ("attempts", "parameters", "parameters_rest", "extra", "extra_rest")
"""Columns with parameters and their outcomes."""
_TEXTS = ("termination_reason", "category")
_SAMPLED = 20
"""Number of last episodes that show whether the run reports parameters."""


def evidence_of(
    run: Run,
    *,
    context: Context | None = None,
    clock: Clock = SYSTEM_CLOCK,
    on_rewards: Callable[[Floats], None] = lambda _: None,
) -> Evidence:
    """Read the evidence of a run, without branches that a rewind abandoned.

    Args:
        run: Open run folder.
        context: Facts about the run other than its streams; by default from its header and heartbeat.
        clock: Clock for the run status.
        on_rewards: Function that is called with the reported rewards of each part of the run, in order, so that the
            caller does not have to read them again.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    return collected(run, on_rewards=on_rewards).evidence(context_of(run, clock=clock) if context is None else context)


def collected(run: Run, *, on_rewards: Callable[[Floats], None] = lambda _: None) -> EvidenceBuilder:
    """Return a builder that holds the records of a run so far, without branches that a rewind abandoned.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    from rlvitals.runs.queries import ask_in_parts  # noqa: PLC0415 - starting a new run needs no database

    collector = EvidenceBuilder()
    nested = _nested_fields(run)
    question = partial(_episodes, nested=nested)
    for columns, categories in ask_in_parts(run, question, "episodes", nested=nested):
        collector.add_episodes(columns, categories)
        on_rewards(columns["reward"].compressed())
        if nested:
            _add_attempts(collector, columns, categories)
    for stream in ("updates", "evaluations", "system"):  # few records, and `extra` is not a flat column
        for record in run.records(stream):
            collector.add(record)
    if not collector.has_episodes and (series := reward_series(run)) is not None:
        collector.add_rewards(series)
        on_rewards(series.values)
    return collector


def context_of(run: Run, *, clock: Clock = SYSTEM_CLOCK) -> Context:
    """Return the context of a run from its header and heartbeat.

    The return of a baseline is taken from the configuration (`baseline` or `random_return`), if it has one.

    Args:
        run: Open run folder.
        clock: Clock for the run status.
    """
    header = run.header
    alive = run.vitality(clock=clock)
    return context_from(
        header,
        status=alive.status,
        reason=alive.reason,
        dropped=header.dropped_records,
    )


def context_from(
    header: Header,
    *,
    status: str,
    reason: str,
    dropped: Mapping[str, int],
    failures: Mapping[str, str] = MappingProxyType({}),
) -> Context:
    """Return the context of a run from its header and its current status.

    Args:
        header: Header of the run.
        status: running, completed, failed, preempted, paused, stalled or crashed.
        reason: Reason for the status.
        dropped: Number of dropped records, by where they were dropped.
        failures: Streams and sinks that cannot be written, with the reason.
    """
    failure = header.failure
    baseline = next((header.configuration.get(name) for name in ("baseline", "random_return")), None)
    return Context(
        settings=hyperparameters_of(header.configuration),
        total_timesteps=header.planned_steps,
        target=header.goals.get("target"),
        baseline=float(baseline) if isinstance(baseline, int | float) else None,
        lower_is_better=tuple(named_lower(header.configuration)),
        status=status,
        reason=reason,
        failure="" if failure is None else failure.text,
        dropped={where: many for where, many in dropped.items() if many},
        failures=failures,
        parameter_bounds=parameter_bounds(header.configuration),
        directions=declared_directions(header.configuration),
    )


def _nested_fields(run: Run) -> tuple[str, ...]:
    """Return the nested fields that hold parameters and their outcomes. Empty for a run without parameters."""
    from rlvitals.runs.queries import last_records  # noqa: PLC0415 - starting a new run needs no database

    last: list[Episode] = last_records(run, "episodes", _SAMPLED)
    found = [name for name in ("attempts", "parameters") if any(getattr(episode, name) for episode in last)]
    return (*found, "extra") if found and custom_objectives(run.header.configuration) else tuple(found)


def _add_attempts(collector: EvidenceBuilder, columns: Mapping[str, Any], categories: list[str | None]) -> None:
    """Add the parameters of a part of the episodes. Only the texts of sampled episodes are decoded."""
    reporting = [columns[name] for name in ("attempts", "parameters", "parameters_rest") if name in columns]
    reported = [at for at, texts in enumerate(zip(*reporting, strict=True)) if any(texts)]
    outcomes = {name: columns[name].tolist() for name in OUTCOMES}

    def dict_of(name: str, at: int) -> dict[str, Any]:
        texts = (columns[key][at] for key in (name, f"{name}_rest") if key in columns)
        return {key: value for text in texts if text for key, value in unspelled(json.loads(text)).items()}

    def read(place: int) -> tuple[bool, str | None, Sequence[AttemptRow]]:
        at = reported[place]
        attempts = decoded_attempts(columns["attempts"][at]) if "attempts" in columns else None
        own = {**dict_of("extra", at), **{name: column[at] for name, column in outcomes.items()}}
        parameters = {name: value for name, value in dict_of("parameters", at).items() if value is not None}
        is_attempts, rows = rows_in(attempts, parameters, own)
        return is_attempts, categories[at], rows

    if reported:
        collector.add_attempts(len(reported), read)


def _episodes(
    tables: "duckdb.DuckDBPyConnection", nested: Sequence[str] = ()
) -> tuple[dict[str, Any], list[str | None]]:
    there = {row[0] for row in tables.execute("DESCRIBE episodes").fetchall()} if nested else set()
    dicts = [name for name in _NESTED if name in there]
    more = "".join(f", to_json({name})::VARCHAR AS {name}" for name in dicts) + (", quality_final" if nested else "")
    found = tables.execute(f"SELECT {_EPISODES}{more} FROM episodes").fetchnumpy()  # noqa: S608 - our names
    texts = {name: _texts(found.pop(name)) for name in (*_TEXTS, *dicts)}
    categories = texts.pop("category")
    columns: dict[str, Any] = {name: np.ma.asarray(column) for name, column in found.items()}
    return columns | texts, categories


def _texts(column: Any) -> list[str | None]:
    """Return texts, with `None` for the values that the database masks."""
    texts: list[str | None] = np.ma.asarray(column).tolist()
    return texts
