"""Overviews of all runs in a folder, read with a few queries over all of them."""

import contextlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import RunError, RunNotFoundError
from rlvitals.records import STREAMS, Episode, Record
from rlvitals.records.objectives import custom_objectives
from rlvitals.records.progress import step_of
from rlvitals.runs import Run, find_runs
from rlvitals.runs.answer import Column
from rlvitals.runs.folder import records_in, rewinds_of
from rlvitals.runs.layout import Segment
from rlvitals.runs.queries import last_records
from rlvitals.runs.reward_series import reward_series
from rlvitals.runs.sql_columns import connected, file_literal
from rlvitals.runs.totals import totals
from rlvitals.summary.levels import LEVELS, RECENT_EPISODES, Episodes
from rlvitals.summary.overview import Overview, OverviewInputs, overview_from
from rlvitals.summary.status import CLOSED, RunState, state_of
from rlvitals.summary.throughput import recorded_time_of, reported_step

_SLACK_S = 1.0
"""Maximum time by which a record can be later than the end of its run."""
Recent = Mapping[Path, dict[str, Column]]
"""Columns of the last episodes, by path of the run."""


def overviews_in(folder: Path, *, clock: Clock = SYSTEM_CLOCK) -> tuple[list[Overview], list[tuple[Path, RunError]]]:
    """Read the overview of every run at or below a folder, without course, verdict and health.

    Args:
        folder: Folder of runs.
        clock: Clock to use.

    Returns:
        Overviews, newest run first, and folders that could not be read, with the reason.

    Raises:
        RunNotFoundError: The folder does not exist.
    """
    if folder.exists() and not folder.is_dir():
        raise RunNotFoundError(f"{folder} is a file, not a folder of runs")
    runs, refused = find_runs(folder)
    rows: list[Overview] = []
    recent, times = _last_episodes(runs), _record_times(runs, "episodes")
    times |= _record_times([run for run in runs if run.path not in times], "updates")
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(connected())
        for run in runs:
            try:
                rows.append(_overview(run, connection, recent.get(run.path), times.get(run.path, ()), clock))
            except RunError as error:
                refused.append((run.path, error))
                connection = stack.enter_context(connected())  # the failure may have broken the connection
    return sorted(rows, key=lambda row: row.state.started, reverse=True), refused


def _last_episodes(runs: Iterable[Run]) -> Recent:
    """Read the last episodes of the runs whose last segment is sealed and holds 100, with one query.

    Rewound runs, and runs with custom objectives, which are not plain columns, are left out.

    Damaged segments are skipped here. Reading their run reports them.
    """
    ends = {
        str(segments[-1].path.absolute()): run.path
        for run in runs
        if (segments := _segments(run, "episodes")) and segments[-1].sealed and not _needs_records(run)
    }
    files = _files(ends)
    question = (
        f"SELECT filename, COLUMNS('^(time|{'|'.join(LEVELS)})$')::DOUBLE "  # noqa: S608 - ours
        f"FROM read_parquet({files}, union_by_name = true, filename = true, file_row_number = true) "
        f"JOIN parquet_file_metadata({files}) ON filename = file_name "
        "WHERE num_rows >= $1 AND file_row_number >= num_rows - $1 ORDER BY filename, file_row_number"
    )
    if ends:
        with contextlib.suppress(duckdb.Error), connected() as connection:
            return _by_run(connection.execute(question, [RECENT_EPISODES]).fetchnumpy(), ends)
    return {}


def _by_run(answered: Mapping[str, Any], ends: Mapping[str, Path]) -> Recent:
    names = np.asarray(answered["filename"])
    columns = {name: np.ma.asarray(column) for name, column in answered.items() if name != "filename"}
    return {
        ends[names[start]]: {name: column[start : start + RECENT_EPISODES] for name, column in columns.items()}
        for start in np.arange(0, names.size, RECENT_EPISODES)
    }


def _record_times(runs: Iterable[Run], stream: str) -> dict[Path, list[float]]:
    """Read the first and last time of each sealed segment, and the first of each open one, by path of the run.

    Only the statistics of sealed segments are read.
    """
    found: dict[Path, list[float]] = {}
    sealed: dict[str, Path] = {}
    for run in runs:
        for segment in _segments(run, stream):
            if segment.sealed:
                sealed[str(segment.path.absolute())] = run.path
                continue
            with contextlib.suppress(RunError, OSError):
                for record in itertools.islice(records_in(segment, STREAMS[stream]), 1):
                    found.setdefault(run.path, []).append(record.time)
    question = (
        "SELECT file_name, min(stats_min_value::DOUBLE), max(stats_max_value::DOUBLE) "  # noqa: S608 - ours
        f"FROM parquet_metadata({_files(sealed)}) WHERE path_in_schema = 'time' GROUP BY file_name"
    )
    if sealed:
        with contextlib.suppress(duckdb.Error), connected() as connection:
            for name, *ends in connection.execute(question).fetchall():
                found.setdefault(sealed[name], []).extend(time for time in ends if time is not None)
    return found


def _overview(
    run: Run,
    connection: duckdb.DuckDBPyConnection,
    recent: Episodes | None,
    times: Sequence[float],
    clock: Clock,
) -> Overview:
    header = run.header
    state = state_of(run, header, clock=clock)
    episodes, env_step, updates = (header.totals.get(name) for name in ("episodes", "env_step", "updates"))
    newest: list[Record] = []
    if episodes is None or state.status not in CLOSED:
        # The totals in the header of a run that was never closed can be out of date.
        counted = totals(run, connection=connection)
        episodes, env_step, updates = counted.episodes, counted.env_step, counted.updates
        newest = last_records(run, "updates", 1, connection=connection)
    if recent is None or state.status not in CLOSED:
        last: list[Episode] = last_records(run, "episodes", RECENT_EPISODES, connection=connection)
        newest += last
        recent = last
    is_longer = _may_cover_more(state, times, clock)
    seconds = recorded_time_of(run, connection=connection).seconds if is_longer else 0.0
    return overview_from(
        OverviewInputs(
            header=header,
            state=state,
            episodes=episodes,
            updates=updates,
            steps=(env_step, reported_step(run, header, state, clock=clock), *map(step_of, newest)),
            recent=recent,
            series=None if episodes else reward_series(run, connection=connection),
            intervals=False,
            recorded_seconds=seconds,
        )
    )


def _may_cover_more(state: RunState, times: Iterable[float], clock: Clock) -> bool:
    """Return whether the records can cover more time than the run: it was replayed, or ended without closing."""
    if not state.is_open and state.status not in CLOSED:
        return True
    until = (clock.time() if state.ended is None else state.ended) + _SLACK_S
    return any(not state.started <= time <= until for time in times)


def _needs_records(run: Run) -> bool:
    with contextlib.suppress(RunError):
        header = run.header
        return bool(rewinds_of(header) or custom_objectives(header.configuration))
    return True


def _segments(run: Run, stream: str) -> list[Segment]:
    with contextlib.suppress(OSError):
        return run.layout.segments(stream)
    return []


def _files(names: Iterable[str]) -> str:
    return f"[{', '.join(file_literal(Path(name)) for name in names)}]"
