"""`rlvitals ls [FOLDER]`: the runs in a folder, newest first."""

from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table
from rich.text import Text

from rlvitals.cli.run_arguments import LOGS, AsJson, FolderArgument
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.render.terminal import BAD, LABEL, make_screen, print_json, status_text
from rlvitals.render.terminal_text import ABSENT, count, escape_control, format_duration
from rlvitals.summary.levels import level_text
from rlvitals.summary.overview import Overview
from rlvitals.summary.run_list import overviews_in

_NARROW = 100


def ls(folder: FolderArgument = LOGS, *, as_json: AsJson = False) -> None:
    """List the runs in a folder, newest first.

    Reward and success are over the last 100 episodes. A folder that cannot be opened is listed with the reason.
    """
    rows, refused = overviews_in(folder)
    if as_json:
        unread = [{"path": str(path), "reason": str(error)} for path, error in refused]
        print_json({"folder": str(folder), "runs": [_flat(row) for row in rows], "refused": unread})
        return
    screen = make_screen()
    if rows:
        screen.print(_table(rows, folder.absolute(), now=SYSTEM_CLOCK.time(), narrow=screen.width < _NARROW))
    for source in sorted({row.reward_source for row in rows if row.reward_source}):
        screen.print(Text(f"* no episodes: {escape_control(source)}", LABEL))
    for _, error in refused:
        screen.print(Text.assemble(("not opened: ", "red"), escape_control(str(error))))
    if not rows and not refused:
        screen.print(f"There is no run in {folder}.")


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
