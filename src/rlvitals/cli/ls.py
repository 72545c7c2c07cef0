"""`rlvitals ls [FOLDER]`: the runs in a folder, newest first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rlvitals.cli.run_arguments import LOGS, AsJson, FolderArgument
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.formatting import ABSENT, count, format_duration
from rlvitals.render.terminal import BAD, LABEL, make_screen, print_json, status_text
from rlvitals.summary.levels import level_text
from rlvitals.summary.overview import Overview
from rlvitals.summary.run_list import overviews_in
from rlvitals.text_escaping import escape_control

_ANY_WIDTH = 10_000
_WHOLE_NAME = 24
"""Names of at most so many characters are not folded."""


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
        _print_table(screen, rows, folder.absolute())
    for source in sorted({row.reward_source for row in rows if row.reward_source}):
        screen.print(Text(f"* no episodes: {escape_control(source)}", LABEL))
    for _, error in refused:
        screen.print(Text.assemble(("not opened: ", "red"), escape_control(str(error))))
    if not rows and not refused:
        screen.print(f"There is no run in {folder}.")


def _flat(row: Overview) -> dict[str, Any]:
    flat = msgspec.to_builtins(row)
    return {**flat.pop("state"), **flat}


def _print_table(screen: Console, rows: list[Overview], folder: Path) -> None:
    """Print as many columns as fit; long names are folded."""
    now = SYSTEM_CLOCK.time()
    names = [escape_control(str(Path(row.state.path).relative_to(folder))) for row in rows]
    longest = max(map(cell_len, names))
    least = min(longest, _WHOLE_NAME)
    columns: dict[str, Callable[[Overview], Text | str]] = {
        "episodes": lambda row: count(row.episodes),
        "step": lambda row: count(row.env_step),
        "reward": lambda row: _level(row, "reward").append("*" if row.reward_source else "", LABEL),
        "success": lambda row: _level(row, "success"),
        "updated": lambda row: format_duration(now - row.state.updated),
        "duration": lambda row: format_duration(row.state.duration),
    }
    for left_out in range(len(columns)):
        titles, is_narrow = list(columns)[: len(columns) - max(0, left_out - 1)], left_out > 0
        table = Table(box=None, pad_edge=False, collapse_padding=is_narrow, header_style=LABEL)
        table.add_column("run", overflow="fold", min_width=least)
        table.add_column("status", no_wrap=True)
        for title in titles:
            table.add_column(title, justify="right", no_wrap=True)
        for name, row in zip(names, rows, strict=True):
            cells = (columns[title](row) for title in titles)
            table.add_row(Text(name, "bold"), status_text(row.state.status), *cells)
        natural = screen.measure(table, options=screen.options.update(width=_ANY_WIDTH)).maximum
        if natural - longest + least <= screen.width:
            break
    screen.print(table)


def _level(row: Overview, name: str) -> Text:
    level = row.levels.get(name)
    return Text(ABSENT, LABEL) if level is None else Text(level_text(name, level), BAD if level.not_finite else "")
