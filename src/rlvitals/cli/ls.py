"""`rlvitals ls [FOLDER]`: the runs in a folder, newest first."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import duckdb
import msgspec
import numpy as np
import typer
from rich.table import Table
from rich.text import Text

from rlvitals.cli.run_arguments import LOGS, AsJson
from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import RunError, RunNotFoundError
from rlvitals.formatting import ABSENT, count, format_duration
from rlvitals.records import Episode, Record
from rlvitals.records.progress import step_of
from rlvitals.render.terminal import BAD, LABEL, make_screen, print_json, status_text
from rlvitals.runs import Run, find_runs
from rlvitals.runs.answer import Column
from rlvitals.runs.folder import rewinds_of
from rlvitals.runs.queries import last_records
from rlvitals.runs.reward_series import reward_series
from rlvitals.runs.sql_columns import connected, file_literal
from rlvitals.runs.totals import totals
from rlvitals.summary.levels import LEVELS, RECENT_EPISODES, columns_of, level_text
from rlvitals.summary.overview import Overview, OverviewInputs, overview_from
from rlvitals.summary.status import CLOSED, state_of
from rlvitals.summary.throughput import reported_step
from rlvitals.text_escaping import escape_control

_LAST_RECORDS = 2_000
"""Records of each stream in which the reward of a run without episodes is looked for."""
_NARROW = 100


class UnreadableRun(msgspec.Struct, frozen=True):
    """A folder that could not be opened."""

    path: str
    reason: str


def ls(
    folder: Annotated[
        Path, typer.Argument(help="Where the runs are; folders in it are looked into.", metavar="FOLDER")
    ] = LOGS,
    *,
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder, newest first.

    Reward and success are over the last 100 episodes. A folder that cannot be opened is listed with the reason.
    """
    rows, refused = listed(folder)
    if as_json:
        print_json({"folder": str(folder), "runs": [_flat(row) for row in rows], "refused": refused})
        return
    screen = make_screen()
    if rows:
        screen.print(_table(rows, folder.absolute(), now=SYSTEM_CLOCK.time(), narrow=screen.width < _NARROW))
    for source in sorted({row.reward_source for row in rows if row.reward_source}):
        screen.print(Text(f"* no episodes: {escape_control(source)}", LABEL))
    for unopened in refused:
        screen.print(Text.assemble(("not opened: ", "red"), escape_control(unopened.reason)))
    if not rows and not refused:
        screen.print(f"There is no run in {folder}.")


def listed(folder: Path, *, clock: Clock = SYSTEM_CLOCK) -> tuple[list[Overview], list[UnreadableRun]]:
    """The runs at or below a folder, newest first, and what could not be opened.

    Raises:
        RunNotFoundError: There is no such folder.
    """
    if folder.exists() and not folder.is_dir():
        raise RunNotFoundError(f"{folder} is a file, not a folder of runs")
    runs, bad = find_runs(folder)
    rows: list[Overview] = []
    with connected() as connection:
        last = _last_episodes(runs, connection)
        for run in runs:
            try:
                rows.append(_row(run, connection, last.get(run.path), clock))
            except RunError as error:
                bad.append((run.path, error))
    rows.sort(key=lambda row: row.state.started, reverse=True)
    return rows, [UnreadableRun(str(path), str(error)) for path, error in bad]


def _last_episodes(runs: Iterable[Run], connection: duckdb.DuckDBPyConnection) -> dict[Path, dict[str, Column]]:
    """The last episodes of those runs whose last segment is sealed and holds 100: one question to all.

    Asked one by one, a thousand runs would take ten seconds. What is damaged is left to whoever asks the run itself.
    """
    ends: dict[str, Path] = {}
    for run in runs:
        with contextlib.suppress(RunError, OSError):
            segments = run.layout.segments("episodes")
            if segments and segments[-1].sealed and not rewinds_of(run.header):
                ends[str(segments[-1].path.absolute())] = run.path
    if not ends:
        return {}
    files = f"[{', '.join(file_literal(Path(name)) for name in ends)}]"
    question = (
        f"SELECT filename, COLUMNS('^(time|{'|'.join(LEVELS)})$')::DOUBLE "  # noqa: S608 - ours
        f"FROM read_parquet({files}, union_by_name = true, filename = true, file_row_number = true) "
        f"JOIN parquet_file_metadata({files}) ON filename = file_name "
        "WHERE num_rows >= $1 AND file_row_number >= num_rows - $1 ORDER BY filename, file_row_number"
    )
    with contextlib.suppress(duckdb.Error):
        return _by_file(connection.execute(question, [RECENT_EPISODES]).fetchnumpy(), ends)
    return {}


def _by_file(answered: Mapping[str, Any], ends: Mapping[str, Path]) -> dict[Path, dict[str, Column]]:
    names = np.asarray(answered["filename"])
    starts = np.arange(0, names.size, RECENT_EPISODES)
    columns = {name: np.ma.asarray(column) for name, column in answered.items() if name != "filename"}
    return {
        ends[names[start]]: {name: column[start : start + RECENT_EPISODES] for name, column in columns.items()}
        for start in starts
    }


def _row(
    run: Run, connection: duckdb.DuckDBPyConnection, columns: Mapping[str, Column] | None, clock: Clock
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
    written = None if columns is None else float(columns["time"][-1])
    if columns is None or state.status not in CLOSED:
        last: list[Episode] = last_records(run, "episodes", RECENT_EPISODES, connection=connection)
        newest += last
        columns = columns_of(last)
        written = last[-1].time if last else None
    # Records older than the run were replayed: the run took as long as they cover, which its header does not say.
    first = next(iter(run.records("episodes")), None) if written is not None and written < header.started else None
    return overview_from(
        OverviewInputs(
            header=header,
            state=state,
            episodes=episodes,
            updates=updates,
            steps=(env_step, reported_step(run, header, state, clock=clock), *map(step_of, newest)),
            columns=columns,
            series=None if episodes else reward_series(run, last=_LAST_RECORDS),
            intervals=False,
            recorded_seconds=0.0 if first is None or written is None else written - first.time,
        )
    )


def _flat(row: Overview) -> dict[str, Any]:
    flat = msgspec.to_builtins(row)
    return {**flat.pop("state"), **flat}


def _table(rows: list[Overview], folder: Path, *, now: float, narrow: bool) -> Table:
    # On a narrow screen the room goes to the names.
    table = Table(box=None, pad_edge=False, collapse_padding=narrow, header_style=LABEL)
    table.add_column("run", overflow="fold")
    table.add_column("status", no_wrap=True)
    for title in ("episodes", "step", "reward", "success", "updated", "duration"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        state = row.state
        table.add_row(
            Text(escape_control(str(Path(state.path).relative_to(folder))), "bold"),
            status_text(state.status),
            count(row.episodes),
            count(row.env_step),
            _level(row, "reward").append("*" if row.reward_source else "", LABEL),
            _level(row, "success"),
            format_duration(now - state.updated),
            format_duration(state.duration),
        )
    return table


def _level(row: Overview, name: str) -> Text:
    level = row.levels.get(name)
    return Text(ABSENT, LABEL) if level is None else Text(level_text(name, level), BAD if level.not_finite else "")
