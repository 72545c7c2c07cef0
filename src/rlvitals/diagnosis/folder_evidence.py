"""Evidence of a run folder, finished or live: the same tables that a live collector makes."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
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
    """Read a run; branches that a rewind left behind are left out.

    Args:
        run: The run's folder, opened.
        context: What is known beside the streams; by default what its header and its heartbeat say.
        clock: Tells the time, to see whether the run is alive.
        on_rewards: Called with the reported rewards of each part of the run, in order, so that they are read once.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    return collected(run, on_rewards=on_rewards).evidence(context_of(run, clock=clock) if context is None else context)


def collected(run: Run, *, on_rewards: Callable[[Floats], None] = lambda _: None) -> EvidenceBuilder:
    """A collector that holds what a run has recorded so far; branches that a rewind left behind are left out.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    from rlvitals.runs.queries import ask_in_parts  # noqa: PLC0415 - a trainer that begins a new run needs no database

    collector = EvidenceBuilder()
    for columns, categories in ask_in_parts(run, _episodes, "episodes"):
        collector.add_episodes(columns, categories)
        on_rewards(columns["reward"].compressed())
    for stream in ("updates", "evaluations", "system"):  # few beside episodes, and their `extra` is no flat column
        for record in run.records(stream):
            collector.add(record)
    if not collector.has_episodes and (series := reward_series(run)) is not None:
        collector.add_rewards(series)
        on_rewards(series.values)
    return collector


def context_of(run: Run, *, clock: Clock = SYSTEM_CLOCK) -> Context:
    """What a run's header and heartbeat say.

    A baseline is taken from the configuration (`baseline`, `random_return`), where there is one.

    Args:
        run: The run's folder, opened.
        clock: Tells the time.
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
    """What a run's header says, beside what is known of its life.

    Args:
        header: The header.
        status: running, completed, failed, preempted, paused, stalled or crashed.
        reason: Why it is said to be so.
        dropped: Number of dropped records, by where they were dropped.
        failures: What cannot be written or sent, with the reason.
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
    """Texts, and `None` where there is none, which the database masks."""
    texts: list[str | None] = np.ma.asarray(column).tolist()
    return texts
