"""How far a run is and how fast it goes, read from its records."""

import duckdb
import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.records.progress import STEPS, Throughput
from rlvitals.runs import Header, Run
from rlvitals.runs.queries import ask
from rlvitals.runs.totals import step_column
from rlvitals.summary.measures import Floats
from rlvitals.summary.status import CLOSED, RunState

_SECONDS_PER_MINUTE = 60.0


def throughput_of(run: Run) -> Throughput:
    """Read the steps of a whole run; branches that a rewind left behind are left out.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    return ask(run, throughput_in, *STEPS)


def throughput_in(tables: duckdb.DuckDBPyConnection) -> Throughput:
    """Read the steps of a run's tables: views of all streams that say steps (`rlvitals.records.progress.STEPS`)."""
    (pace,) = throughputs_in(tables, -np.inf)
    return pace


def throughputs_in(tables: duckdb.DuckDBPyConnection, *since: float) -> list[Throughput]:
    """The same from some moments on (UTC, seconds), one pace for each; the tables are read once."""
    paces = [Throughput() for _ in since]
    for stream in STEPS:
        column = step_column(stream)
        said = tables.execute(
            f"SELECT time, {column}::DOUBLE AS step FROM {stream} WHERE {column} IS NOT NULL"  # noqa: S608 - our names
        ).fetchnumpy()
        times, steps = (np.ma.filled(said[name].astype(np.float64), np.nan) for name in ("time", "step"))
        for begin, pace in zip(since, paces, strict=True):
            pace.take(stream, times[times >= begin], steps[times >= begin])
    return paces


def episodes_per_minute(times: Floats) -> Throughput:
    """How fast episodes end: the pace of their count, by the minute.

    Args:
        times: When each ended (UTC, seconds), shape `(n,)`.
    """
    pace = Throughput()
    pace.take("episodes", times, _SECONDS_PER_MINUTE * np.arange(1.0, times.size + 1.0))
    return pace


def reported_step(run: Run, header: Header, state: RunState, *, clock: Clock = SYSTEM_CLOCK) -> int | None:
    """The furthest step that a run says of itself beside its records: it may be further than the last of them.

    Args:
        run: The run.
        header: Its header, as just read: it counts once its writer said that the run is over.
        state: Its state: before the run ended, its last sign of life counts.
        clock: Tells the time.
    """
    if state.status in CLOSED:
        return header.totals.get("env_step")
    beat = run.vitality(clock=clock).heartbeat
    return None if beat is None else beat.env_step
