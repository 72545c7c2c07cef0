"""`rlvitals ls [FOLDER]`: list of the runs in a folder, newest first."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rlvitals.cli.run_arguments import LOGS, AsJson, FolderArgument
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.formatting import ABSENT, count, format_duration, listed
from rlvitals.outputs.ls_output import run_list
from rlvitals.render.terminal import BAD, LABEL, make_screen, print_json, status_text
from rlvitals.summary.levels import level_text
from rlvitals.summary.overview import Overview
from rlvitals.summary.run_list import overviews_in
from rlvitals.text_escaping import escape_control

_FEWEST_COLUMNS = 4
_WHOLE_NAME = 24
"""Run names of up to this many characters are not folded."""
_MOST_NAMED = 3
"""Maximum number of runs that the note on a source of rewards names."""


def ls(folder: FolderArgument = LOGS, *, as_json: AsJson = False) -> None:
    """List the runs in a folder, newest first.

    Reward and success are means over the last 100 episodes. A run that cannot be opened is listed with the reason.
    """
    if as_json:
        print_json(run_list(folder))
        return
    rows, refused = overviews_in(folder)
    screen = make_screen()
    titles = _print_table(screen, rows, folder.absolute()) if rows else []
    if "reward" in titles and (sources := _sources(rows)):
        screen.print(Text(f"* no episodes: {escape_control(sources)}", LABEL))
    for _, error in refused:
        screen.print(Text.assemble(("not opened: ", "red"), escape_control(str(error))))
    if not rows and not refused:
        screen.print(Text(escape_control(f"No runs in {folder}. {_advice(folder)}")), soft_wrap=True)


def _sources(rows: Iterable[Overview]) -> str:
    """Name the source of the marked rewards, with its runs if there are several sources."""
    by_source: dict[str, list[str]] = {}
    for row in rows:
        if row.reward_source:
            by_source.setdefault(row.reward_source, []).append(row.state.run_id)
    if len(by_source) == 1:
        return next(iter(by_source))
    return "; ".join(f"{source} ({listed(runs, _MOST_NAMED)})" for source, runs in sorted(by_source.items()))


def _advice(folder: Path) -> str:
    from rlvitals.cli.importable_logs import import_advice  # noqa: PLC0415 - loads the importers

    return import_advice(folder) or (
        "Record one with `rlvitals run -- python train.py` or rlvitals.TrainingMonitor, or name another folder."
    )


def _print_table(screen: Console, rows: list[Overview], folder: Path) -> list[str]:
    """Print as many columns as fit and return their titles. Long run names are folded."""
    now = SYSTEM_CLOCK.time()
    columns = {
        "run": [Text(escape_control(str(Path(row.state.path).relative_to(folder))), "bold") for row in rows],
        "status": [status_text(row.state.status) for row in rows],
        "episodes": [Text(count(row.episodes)) for row in rows],
        "step": [Text(count(row.env_step)) for row in rows],
        "reward": [_level(row, "reward").append("*" if row.reward_source else "", LABEL) for row in rows],
        "success": [_level(row, "success") for row in rows],
        "updated": [Text(format_duration(row.state.age(now))) for row in rows],
        "duration": [Text(format_duration(row.state.duration)) for row in rows],
    }
    widths = {title: max(len(title), *(cell.cell_len for cell in cells)) for title, cells in columns.items()}
    least, gap = min(widths["run"], _WHOLE_NAME), 2
    while (room := screen.width - sum(width + gap for width in list(widths.values())[1:])) < least:
        if gap > 1:
            gap = 1
        elif len(widths) > _FEWEST_COLUMNS:
            widths.popitem()
        else:
            break
    widths["run"] = max(1, min(widths["run"], room))
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style=LABEL)
    for title, width in widths.items():  # a given width spares Rich from measuring every cell
        is_text = title in {"run", "status"}
        table.add_column(
            title, width=width, overflow="fold", no_wrap=title != "run", justify="left" if is_text else "right"
        )
    for cells in zip(*(columns[title] for title in widths), strict=True):
        table.add_row(*cells)
    screen.print(table)
    return list(widths)


def _level(row: Overview, name: str) -> Text:
    level = row.levels.get(name)
    return Text(ABSENT, LABEL) if level is None else Text(level_text(name, level), BAD if level.not_finite else "")
