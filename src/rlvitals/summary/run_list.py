"""The overviews of all runs in a folder, read with a few questions to all of them at once."""

import contextlib
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import RunError, RunNotFoundError
from rlvitals.records import STREAMS, Episode, Record
from rlvitals.records.progress import seconds_between, step_of
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
from rlvitals.summary.status import CLOSED, away_of, state_of
from rlvitals.summary.throughput import reported_step

Recent = Mapping[Path, dict[str, Column]]
"""Columns of the last episodes, by the path of the run."""


class _Span(NamedTuple):
    """Two moments (UTC, seconds since 1970)."""

    begin: float
    end: float

    def joined(self, other: "_Span") -> "_Span":
        """Return the span that contains both."""
        return _Span(min(self.begin, other.begin), max(self.end, other.end))


_NEVER = _Span(math.inf, -math.inf)


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
    rows: list[Overview] = []
    with connected() as connection:
        recent, spans = _last_episodes(runs, connection), _record_spans(runs, "episodes", connection)
        # The updates of a run without episodes, or of a replayed one, may lie outside of that.
        more = [run for run in runs if run.path not in spans or _is_replayed(run, spans[run.path])]
        updates = _record_spans(more, "updates", connection)
        for run in runs:
            span = spans.get(run.path, _NEVER).joined(updates.get(run.path, _NEVER))
            try:
                rows.append(_overview(run, connection, recent.get(run.path), span, clock))
            except RunError as error:
                refused.append((run.path, error))
    return sorted(rows, key=lambda row: row.state.started, reverse=True), refused


def _last_episodes(runs: Iterable[Run], connection: duckdb.DuckDBPyConnection) -> Recent:
    """Read the last episodes of the runs whose last segment is sealed and holds 100, with one question.

    What is damaged is left to the reader of its run.
    """
    ends = {
        str(segments[-1].path.absolute()): run.path
        for run in runs
        if (segments := _segments(run, "episodes")) and segments[-1].sealed and not _is_rewound(run)
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


def _record_spans(runs: Iterable[Run], stream: str, connection: duckdb.DuckDBPyConnection) -> dict[Path, _Span]:
    """Find the times between which the records of each run lie; no sealed segment is read for it."""
    found: dict[Path, _Span] = {}
    sealed: dict[str, Path] = {}
    for run in runs:
        for segment in _segments(run, stream):
            if segment.sealed:
                sealed[str(segment.path.absolute())] = run.path
                continue
            with contextlib.suppress(RunError, OSError):
                begin = next((record.time for record in records_in(segment, STREAMS[stream])), math.inf)
                span = found.get(run.path, _NEVER).joined(_Span(begin, begin))
                if _is_replayed(run, span):  # else its records lie within its wall time
                    span = span.joined(_Span(*[last_records(run, stream, 1, connection=connection)[0].time] * 2))
                found[run.path] = span
    question = (
        "SELECT file_name, min(stats_min_value::DOUBLE), max(stats_max_value::DOUBLE) "  # noqa: S608 - ours
        f"FROM parquet_metadata({_files(sealed)}) WHERE path_in_schema = 'time' GROUP BY file_name"
    )
    with contextlib.suppress(duckdb.Error):
        for name, begin, end in connection.execute(question).fetchall() if sealed else ():
            if begin is not None:
                found[sealed[name]] = found.get(sealed[name], _NEVER).joined(_Span(begin, end))
    return found


def _overview(
    run: Run,
    connection: duckdb.DuckDBPyConnection,
    recent: Episodes | None,
    span: _Span,
    clock: Clock,
) -> Overview:
    header = run.header
    state = state_of(run, header, clock=clock)
    episodes, env_step, updates = (header.totals.get(name) for name in ("episodes", "env_step", "updates"))
    newest: list[Record] = []
    if episodes is None or state.status not in CLOSED:
        # The header of a run that was never closed counts from when it was last written.
        counted = totals(run, connection=connection)
        episodes, env_step, updates = counted.episodes, counted.env_step, counted.updates
        newest = last_records(run, "updates", 1, connection=connection)
    if recent is None or state.status not in CLOSED:
        last: list[Episode] = last_records(run, "episodes", RECENT_EPISODES, connection=connection)
        newest += last
        recent = last
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
            recorded_seconds=seconds_between(span.begin, span.end, away_of(header)),
        )
    )


def _is_replayed(run: Run, span: _Span) -> bool:
    with contextlib.suppress(RunError):
        return span.begin < run.header.started
    return False


def _is_rewound(run: Run) -> bool:
    with contextlib.suppress(RunError):
        return bool(rewinds_of(run.header))
    return True


def _segments(run: Run, stream: str) -> list[Segment]:
    with contextlib.suppress(OSError):
        return run.layout.segments(stream)
    return []


def _files(names: Iterable[str]) -> str:
    return f"[{', '.join(file_literal(Path(name)) for name in names)}]"
