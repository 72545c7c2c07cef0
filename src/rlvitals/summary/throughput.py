"""Progress and speed of a run, computed from its records."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.records import Record
from rlvitals.records.progress import STEPS, Floats, Spans, Throughput
from rlvitals.runs import Header, Run
from rlvitals.runs.totals import step_column
from rlvitals.summary.status import CLOSED, RunState, away_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_SECONDS_PER_MINUTE = 60.0


class RecordedTime(NamedTuple):
    """Time that the records of a run cover, without the time between its sessions.

    Attributes:
        seconds: Covered time in seconds.
        episodes_per_minute: Episodes per minute. `None` if the records cover less than a second.
    """

    seconds: float
    episodes_per_minute: float | None


def recorded_time(pace: Throughput, episode_pace: Throughput, away: Spans) -> RecordedTime:
    """Compute the recorded time from the throughput of environment steps and episodes."""
    return RecordedTime(max(pace.span(away), episode_pace.span(away)), episode_pace.overall(away))


def recorded_time_of(run: Run, *, connection: "DuckDBPyConnection | None" = None) -> RecordedTime:
    """Read the recorded time of a whole run. Branches that a rewind left behind are ignored.

    Args:
        run: The run.
        connection: Connection to DuckDB, for a caller that reads many runs.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    from rlvitals.runs.queries import ask  # noqa: PLC0415 - a trainer needs no database

    pace, times = ask(run, lambda tables: (throughput_in(tables), _times(tables)), *STEPS, connection=connection)
    return recorded_time(pace, episodes_per_minute(times), away_of(run.header))


def recorded_time_in(records: Mapping[str, Iterable[Record]], away: Spans) -> RecordedTime:
    """Compute the recorded time from all records of a run, by stream."""
    pace = Throughput()
    for stream in STEPS:
        pace.take_records(stream, records[stream])
    times = np.array([episode.time for episode in records["episodes"]])
    return recorded_time(pace, episodes_per_minute(times), away)


def _times(tables: "DuckDBPyConnection") -> Floats:
    column = tables.execute("SELECT time FROM episodes").fetchnumpy()["time"]
    return np.asarray(np.ma.filled(column.astype(np.float64), np.nan))


def throughput_of(run: Run, *, since: float = -np.inf) -> Throughput:
    """Read the steps of a run. Branches that a rewind left behind are ignored.

    Args:
        run: The run.
        since: Time from which on records count (UTC, seconds). By default, all records count.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    from rlvitals.runs.queries import ask  # noqa: PLC0415 - a trainer needs no database

    return ask(run, lambda tables: throughput_in(tables, since), *STEPS)


def throughput_in(tables: "DuckDBPyConnection", since: float = -np.inf) -> Throughput:
    """Read the steps from a run's tables: views of all streams that report steps (`rlvitals.records.progress.STEPS`).

    Args:
        tables: The views.
        since: Time from which on records count (UTC, seconds). By default, all records count.
    """
    pace = Throughput()
    for stream in STEPS:
        column = step_column(stream)
        said = tables.execute(
            f"SELECT time, {column}::DOUBLE AS step FROM {stream} WHERE {column} IS NOT NULL"  # noqa: S608 - our names
        ).fetchnumpy()
        times, steps = (np.ma.filled(said[name].astype(np.float64), np.nan) for name in ("time", "step"))
        pace.take(stream, times[times >= since], steps[times >= since])
    return pace


def episodes_per_minute(times: Floats) -> Throughput:
    """Return the throughput of episodes, per minute.

    Args:
        times: End time of each episode (UTC, seconds), shape `(n,)`.
    """
    pace = Throughput()
    pace.take("episodes", times, _SECONDS_PER_MINUTE * np.arange(1.0, times.size + 1.0))
    return pace


def reported_step(run: Run, header: Header, state: RunState, *, clock: Clock = SYSTEM_CLOCK) -> int | None:
    """Return the furthest step that a run reports outside its records. It can be beyond the last record.

    Args:
        run: The run.
        header: Header of the run, as just read. It is used once the writer closed the run.
        state: State of the run. Until the run is closed, the last heartbeat is used.
        clock: Clock to use.
    """
    if state.status in CLOSED:
        return header.totals.get("env_step")
    beat = run.vitality(clock=clock).heartbeat
    return None if beat is None else beat.env_step
