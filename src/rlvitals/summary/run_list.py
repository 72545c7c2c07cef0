"""The overviews of all runs in a folder, read with a few questions to all of them at once.

A thousand runs take seconds this way. Asked one by one, they would take a minute.
"""

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import RunError, RunNotFoundError
from rlvitals.records import STREAMS, Episode, Record
from rlvitals.records.progress import TIMED, seconds_between, step_of
from rlvitals.runs import Run, find_runs
from rlvitals.runs.answer import Column
from rlvitals.runs.folder import records_in, rewinds_of
from rlvitals.runs.layout import Segment
from rlvitals.runs.queries import ask, last_records
from rlvitals.runs.relation import labels
from rlvitals.runs.reward_series import reward_series
from rlvitals.runs.sql_columns import connected, file_literal
from rlvitals.runs.totals import step_column, totals
from rlvitals.summary.levels import LEVELS, RECENT_EPISODES, columns_of
from rlvitals.summary.overview import Overview, OverviewInputs, overview_from
from rlvitals.summary.status import CLOSED, away_of, state_of
from rlvitals.summary.throughput import reported_step

Recent = Mapping[Path, dict[str, Column]]
"""Columns of the last episodes, by the path of the run."""


def overviews_in(folder: Path, *, clock: Clock = SYSTEM_CLOCK) -> tuple[list[Overview], list[tuple[Path, RunError]]]:
    """Read the overview of every run at or below a folder, without course, verdict and health.

    Args:
        folder: The folder of runs.
        clock: The clock.

    Returns:
        The overviews, the newest run first, and the folders that could not be read, with the reason.

    Raises:
        RunNotFoundError: There is no such folder.
    """
    if folder.exists() and not folder.is_dir():
        raise RunNotFoundError(f"{folder} is a file, not a folder of runs")
    runs, refused = find_runs(folder)
    inputs: dict[Run, OverviewInputs] = {}
    with connected() as connection:
        recent, oldest = _last_episodes(runs, connection), _oldest_times(runs, connection)
        for run in runs:
            try:
                inputs[run] = _inputs_of(run, connection, recent, oldest.get(run.path, math.inf), clock)
            except RunError as error:
                refused.append((run.path, error))
    replayed = [run for run in inputs if oldest.get(run.path, math.inf) < run.header.started]
    paced = _paced_seconds(replayed)
    rows = [
        overview_from(found._replace(recorded_seconds=max(found.recorded_seconds, paced.get(run.path, 0.0))))
        for run, found in inputs.items()
    ]
    return sorted(rows, key=lambda row: row.state.started, reverse=True), refused


def _last_episodes(runs: Iterable[Run], connection: duckdb.DuckDBPyConnection) -> Recent:
    """Read the last episodes of the runs whose last segment is sealed and holds 100, with one question.

    What is damaged is left to the reader of its run.
    """
    ends = {
        str(segments[-1].path.absolute()): run.path
        for run in runs
        if (segments := _segments(run, "episodes")) and segments[-1].sealed and not rewinds_of(run.header)
    }
    files = _files(ends)
    question = (
        f"SELECT filename, COLUMNS('^(time|{'|'.join(LEVELS)})$')::DOUBLE "  # noqa: S608 - ours
        f"FROM read_parquet({files}, union_by_name = true, filename = true, file_row_number = true) "
        f"JOIN parquet_file_metadata({files}) ON filename = file_name "
        "WHERE num_rows >= $1 AND file_row_number >= num_rows - $1 ORDER BY filename, file_row_number"
    )
    with contextlib.suppress(duckdb.Error):
        if ends:
            return _by_run(connection.execute(question, [RECENT_EPISODES]).fetchnumpy(), ends)
    return {}


def _by_run(answered: Mapping[str, Any], ends: Mapping[str, Path]) -> Recent:
    names = np.asarray(answered["filename"])
    columns = {name: np.ma.asarray(column) for name, column in answered.items() if name != "filename"}
    return {
        ends[names[start]]: {name: column[start : start + RECENT_EPISODES] for name, column in columns.items()}
        for start in np.arange(0, names.size, RECENT_EPISODES)
    }


def _oldest_times(runs: Iterable[Run], connection: duckdb.DuckDBPyConnection) -> dict[Path, float]:
    """Find the oldest record of each run, or of its updates if it has no episodes.

    Sealed segments know theirs; of an open one, the first record counts.
    """
    found: dict[Path, float] = {}
    sealed: dict[str, Path] = {}
    for run in runs:
        stream = "episodes" if _segments(run, "episodes") else "updates"
        for segment in _segments(run, stream):
            if segment.sealed:
                sealed[str(segment.path.absolute())] = run.path
                continue
            with contextlib.suppress(RunError, OSError):
                first = next(records_in(segment, STREAMS[stream]), None)
                if first is not None:
                    found[run.path] = min(found.get(run.path, math.inf), first.time)
    question = (
        f"SELECT file_name, min(stats_min_value::DOUBLE) FROM parquet_metadata({_files(sealed)}) "  # noqa: S608 - ours
        "WHERE path_in_schema = 'time' AND stats_min_value IS NOT NULL GROUP BY file_name"
    )
    with contextlib.suppress(duckdb.Error):
        for name, time in connection.execute(question).fetchall() if sealed else ():
            found[sealed[name]] = min(found.get(sealed[name], math.inf), time)
    return found


def _inputs_of(
    run: Run, connection: duckdb.DuckDBPyConnection, recent: Recent, oldest: float, clock: Clock
) -> OverviewInputs:
    header = run.header
    state = state_of(run, header, clock=clock)
    episodes, env_step, updates = (header.totals.get(name) for name in ("episodes", "env_step", "updates"))
    columns = recent.get(run.path)
    newest: list[Record] = []
    if episodes is None or state.status not in CLOSED:
        # The header of a run that was never closed counts from when it was last written.
        counted = totals(run, connection=connection)
        episodes, env_step, updates = counted.episodes, counted.env_step, counted.updates
    if not episodes or state.status not in CLOSED:
        newest = last_records(run, "updates", 1, connection=connection)
    written = newest[-1].time if newest and not episodes else -math.inf
    if columns is not None and state.status in CLOSED:
        written = float(columns["time"][-1])
    else:
        last: list[Episode] = last_records(run, "episodes", RECENT_EPISODES, connection=connection)
        newest += last
        columns = columns_of(last)
        written = last[-1].time if last else written
    return OverviewInputs(
        header=header,
        state=state,
        episodes=episodes,
        updates=updates,
        steps=(env_step, reported_step(run, header, state, clock=clock), *map(step_of, newest)),
        columns=columns,
        series=None if episodes else reward_series(run),
        intervals=False,
        recorded_seconds=seconds_between(oldest, written, away_of(header)) if oldest < written else 0.0,
    )


def _paced_seconds(runs: Sequence[Run]) -> dict[Path, float]:
    """Compute what `Throughput.span` is of each run, with one question to all. Damaged runs are left out."""
    parts = [
        f"SELECT run, min(time) AS first, arg_max(time, row(step, -time)) AS last FROM "  # noqa: S608 - our names
        f"(SELECT run, time, {step_column(stream)} AS step FROM {stream}) WHERE step IS NOT NULL GROUP BY run"
        for stream in TIMED
    ]
    question = f"SELECT run, min(first), max(last) FROM ({' UNION ALL '.join(parts)}) GROUP BY run"  # noqa: S608
    named = dict(zip(labels(runs), runs, strict=True))
    with contextlib.suppress(RunError):
        spans = ask(runs, lambda tables: tables.execute(question).fetchall(), *TIMED) if runs else ()
        return {
            named[name].path: seconds_between(first, last, away_of(named[name].header)) for name, first, last in spans
        }
    return {}


def _segments(run: Run, stream: str) -> list[Segment]:
    with contextlib.suppress(OSError):
        return run.layout.segments(stream)
    return []


def _files(names: Iterable[str]) -> str:
    return f"[{', '.join(file_literal(Path(name)) for name in names)}]"
