"""Evidence from a run folder, finished or live: the same tables that a live `EvidenceBuilder` makes."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.diagnosis.baseline_comparisons import named_lower
from rlvitals.diagnosis.block_table import Floats
from rlvitals.diagnosis.evidence import Context, Evidence
from rlvitals.diagnosis.evidence_builder import EvidenceBuilder
from rlvitals.diagnosis.hyperparameters import hyperparameters_of
from rlvitals.runs import Header, Run
from rlvitals.runs.reward_series import reward_series

if TYPE_CHECKING:
    import duckdb

_EPISODES = (
    "SELECT time, env_step, reward, length, success::DOUBLE AS success, quality_improvement, memory, "
    "termination_reason, category FROM episodes"
)
_TEXTS = ("termination_reason", "category")


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
    for columns, categories in ask_in_parts(run, _episodes, "episodes"):
        collector.add_episodes(columns, categories)
        on_rewards(columns["reward"].compressed())
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
    settings = hyperparameters_of(header.configuration)
    total = header.goals.get("total_timesteps") or settings.total_timesteps
    baseline = next((header.configuration.get(name) for name in ("baseline", "random_return")), None)
    return Context(
        settings=settings,
        total_timesteps=float(total) if total else None,
        target=header.goals.get("target"),
        baseline=float(baseline) if isinstance(baseline, int | float) else None,
        lower_is_better=tuple(named_lower(header.configuration)),
        status=status,
        reason=reason,
        failure="" if failure is None else failure.text,
        dropped={where: many for where, many in dropped.items() if many},
        failures=failures,
    )


def _episodes(tables: "duckdb.DuckDBPyConnection") -> tuple[dict[str, Any], list[str | None]]:
    found = tables.execute(_EPISODES).fetchnumpy()
    texts = {name: _texts(found.pop(name)) for name in _TEXTS}
    columns: dict[str, Any] = {name: np.ma.asarray(column) for name, column in found.items()}
    columns["termination_reason"] = texts["termination_reason"]
    return columns, texts["category"]


def _texts(column: Any) -> list[str | None]:
    """Return texts, with `None` for the values that the database masks."""
    texts: list[str | None] = np.ma.asarray(column).tolist()
    return texts
