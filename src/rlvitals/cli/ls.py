"""`rlvitals ls [FOLDER]`: the runs in a folder, newest first."""

from pathlib import Path
from typing import Annotated, Any

import duckdb
import msgspec
import typer
from rich.table import Table
from rich.text import Text

from rlvitals.cli.places import LOGS, AsJson
from rlvitals.cli.screen import LABEL, make_screen, number_text, print_json, status_text
from rlvitals.cli.words import clean, count, percent, span
from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import RunError, RunNotFoundError
from rlvitals.pace import furthest_of, step_of
from rlvitals.runs import Run, find_runs
from rlvitals.runs.columns import database
from rlvitals.runs.table import last_records
from rlvitals.runs.totals import totals
from rlvitals.summary.life import CLOSED, Life, life_of
from rlvitals.summary.pacing import step_said

LAST_EPISODES = 100
"""Episodes that the reward and the success rate are over."""

_NARROW = 100


class Row(msgspec.Struct, frozen=True):
    """One run in the list.

    Attributes:
        reward: Mean over the last hundred episodes; NaN if one of them is.
        success_rate: Share of successes among those of them that say whether they were one.
    """

    life: Life
    episodes: int
    env_step: int | None
    reward: float | None
    success_rate: float | None


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
    with database() as connection:
        for run in runs:
            try:
                rows.append(_row(run, connection, clock))
            except RunError as error:
                bad.append((run.path, error))
    rows.sort(key=lambda row: row.life.started, reverse=True)
    return rows, [Refused(str(path), str(error)) for path, error in bad]


def _row(run: Run, connection: duckdb.DuckDBPyConnection, clock: Clock) -> Row:
    header = run.header
    life = life_of(run, header, clock=clock)
    episodes, env_step = header.totals.get("episodes"), header.totals.get("env_step")
    if episodes is None or life.status not in CLOSED:
        # The header of a run that was never closed counts from when it was last written.
        counted = totals(run, connection=connection)
        episodes, env_step = counted.episodes, counted.env_step
    last = last_records(run, "episodes", LAST_EPISODES, connection=connection)
    newest = [*last, *last_records(run, "updates", 1, connection=connection)]
    said = [episode.success for episode in last if episode.success is not None]
    return Row(
        life=life,
        episodes=episodes,
        env_step=furthest_of(env_step, step_said(run, header, life, clock=clock), *map(step_of, newest)),
        reward=sum(episode.reward for episode in last) / len(last) if last else None,
        success_rate=sum(said) / len(said) if said else None,
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
            number_text(row.reward),
            percent(row.success_rate),
            span(now - life.updated),
            span(life.duration),
        )
    return table
