"""`rlvitals ls [FOLDER]`: the runs in a folder, newest first."""

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import duckdb
import msgspec
import typer
from rich.table import Table
from rich.text import Text

from rlvitals.cli.places import LOGS, AsJson
from rlvitals.cli.screen import LABEL, make_screen, number_text, print_json, status_text
from rlvitals.cli.words import clean, count, reported_share, span
from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import RunError, RunNotFoundError
from rlvitals.pace import furthest_of, step_of
from rlvitals.records import Record
from rlvitals.runs import Run, find_runs
from rlvitals.runs.columns import connected, file_literal
from rlvitals.runs.folder import rewinds_of
from rlvitals.runs.reward_series import reward_series
from rlvitals.runs.table import last_records
from rlvitals.runs.totals import totals
from rlvitals.summary.life import CLOSED, Life, life_of
from rlvitals.summary.pacing import step_said

LAST_EPISODES = 100
"""Episodes that the reward and the success rate are over."""

_LAST_RECORDS = 2_000
"""Records of each stream in which the reward of a run without episodes is looked for."""
_NARROW = 100


class Row(msgspec.Struct, frozen=True):
    """One run in the list.

    Attributes:
        reward: Mean over the last hundred episodes; NaN if one of them is. Where no episode was recorded, the level of
            `reward_source`.
        reward_source: What stands for the reward there (`runs.reward_series`); else `None`.
        success_rate: Share of successes among those of them that reported success or failure; `None` if none did.
        success_reported: How many of them did.
    """

    life: Life
    episodes: int
    env_step: int | None
    reward: float | None
    success_rate: float | None
    success_reported: int
    reward_source: str | None = None


class Recent(NamedTuple):
    """What a run's last episodes came to: their mean reward, and the share of successes among those that report it."""

    reward: float | None
    success_rate: float | None
    success_reported: int


class Refused(msgspec.Struct, frozen=True):
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
        screen.print(Text(f"* no episodes: {clean(source)}", LABEL))
    for unopened in refused:
        screen.print(Text.assemble(("not opened: ", "red"), clean(unopened.reason)))
    if not rows and not refused:
        screen.print(f"There is no run in {folder}.")


def listed(folder: Path, *, clock: Clock = SYSTEM_CLOCK) -> tuple[list[Row], list[Refused]]:
    """The runs at or below a folder, newest first, and what could not be opened.

    Raises:
        RunNotFoundError: There is no such folder.
    """
    if folder.exists() and not folder.is_dir():
        raise RunNotFoundError(f"{folder} is a file, not a folder of runs")
    runs, bad = find_runs(folder)
    rows: list[Row] = []
    with connected() as connection:
        recent = _recent_of(runs, connection)
        for run in runs:
            try:
                rows.append(_row(run, connection, recent.get(run.path), clock))
            except RunError as error:
                bad.append((run.path, error))
    rows.sort(key=lambda row: row.life.started, reverse=True)
    return rows, [Refused(str(path), str(error)) for path, error in bad]


def _recent_of(runs: Iterable[Run], connection: duckdb.DuckDBPyConnection) -> dict[Path, Recent]:
    """The last episodes of those runs whose last segment is sealed and holds all of them: one question to all.

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
    answered: list[tuple[Any, ...]] = []
    for success in ("avg(success::DOUBLE), count(success)", "NULL, 0"):  # no run may have reported it
        question = (
            f"SELECT filename, avg(reward), {success} "  # noqa: S608 - ours
            f"FROM read_parquet({files}, union_by_name = true, filename = true, file_row_number = true) "
            f"JOIN parquet_file_metadata({files}) ON filename = file_name "
            "WHERE num_rows >= $1 AND file_row_number >= num_rows - $1 GROUP BY 1"
        )
        with contextlib.suppress(duckdb.Error):
            answered = connection.execute(question, [LAST_EPISODES]).fetchall()
            break
    return {ends[name]: Recent(*found) for name, *found in answered}


def _row(run: Run, connection: duckdb.DuckDBPyConnection, recent: Recent | None, clock: Clock) -> Row:
    header = run.header
    life = life_of(run, header, clock=clock)
    episodes, env_step = header.totals.get("episodes"), header.totals.get("env_step")
    newest: list[Record] = []
    if episodes is None or life.status not in CLOSED:
        # The header of a run that was never closed counts from when it was last written.
        counted = totals(run, connection=connection)
        episodes, env_step = counted.episodes, counted.env_step
        newest = last_records(run, "updates", 1, connection=connection)
    if recent is None or life.status not in CLOSED:
        last = last_records(run, "episodes", LAST_EPISODES, connection=connection)
        newest += last
        said = [episode.success for episode in last if episode.success is not None]
        recent = Recent(
            sum(episode.reward for episode in last) / len(last) if last else None,
            sum(said) / len(said) if said else None,
            len(said),
        )
    series = None if episodes else reward_series(run, last=_LAST_RECORDS)
    return Row(
        life=life,
        episodes=episodes,
        env_step=furthest_of(env_step, step_said(run, header, life, clock=clock), *map(step_of, newest)),
        reward=recent.reward if series is None else series.level,
        success_rate=recent.success_rate,
        success_reported=recent.success_reported,
        reward_source=None if series is None else series.source,
    )


def _flat(row: Row) -> dict[str, Any]:
    flat = msgspec.to_builtins(row)
    return {**flat.pop("life"), **flat}


def _table(rows: list[Row], folder: Path, *, now: float, narrow: bool) -> Table:
    # On a narrow screen the room goes to the names.
    table = Table(box=None, pad_edge=False, collapse_padding=narrow, header_style=LABEL)
    table.add_column("run", overflow="fold")
    table.add_column("status", no_wrap=True)
    for title in ("episodes", "step", "reward", "success", "updated", "lasted"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        life = row.life
        table.add_row(
            Text(clean(str(Path(life.path).relative_to(folder))), "bold"),
            status_text(life.status),
            count(row.episodes),
            count(row.env_step),
            number_text(row.reward).append("*" if row.reward_source else "", LABEL),
            reported_share(row.success_rate, row.success_reported, min(row.episodes, LAST_EPISODES)),
            span(now - life.updated),
            span(life.duration),
        )
    return table
