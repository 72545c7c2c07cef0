"""What a command prints on: a terminal, a pipe, or one strict JSON document."""

import os
import sys
from collections.abc import Iterable
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rlvitals.records.coercion import spelled
from rlvitals.render.terminal_text import ABSENT, escape_control, number

_PIPED_WIDTH = 1_000
"""Wide enough that nothing is folded or cut for a program that reads."""
_READABLE = 100

STYLES = {
    "running": "bold green",
    "completed": "bold blue",
    "paused": "bold yellow",
    "preempted": "bold yellow",
    "stalled": "bold magenta",
    "failed": "bold red",
    "crashed": "bold red",
    "critical": "bold red",
    "warning": "yellow",
    "info": "dim",
}
TONES = {"good": "bold green", "watch": "yellow", "bad": "bold red", "neutral": "dim"}
BAD = "bold red"
LABEL = "dim"
TITLE = "bold"


def make_screen(*, to_stderr: bool = False) -> Console:
    """Standard output. In a pipe there is no colour and no folding; `COLUMNS` and `NO_COLOR` are heeded."""
    stream = sys.stderr if to_stderr else sys.stdout
    piped = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(stderr=to_stderr, width=_PIPED_WIDTH if piped else None, highlight=False, markup=False, emoji=False)


def readable_width(console: Console) -> int:
    """The width for running text: not all of a wide screen."""
    return min(console.width, _READABLE)


def status_text(status: str) -> Text:
    """A status, or a severity, in its colour."""
    return Text(escape_control(status), STYLES.get(status, ""))


def number_text(value: float | None, digits: int = 4) -> Text:
    """A measured value; what is not finite stands out."""
    said = number(value, digits)
    bad = value is not None and said.lstrip("-") in {"NaN", "Infinity"}
    return Text(said, BAD if bad else LABEL if said == ABSENT else "")


def facts_grid(facts: Iterable[tuple[str, str | Text]]) -> Table | None:
    """Names and what is to be said of them, in two columns; `None` if there is nothing."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style=LABEL, no_wrap=True)
    grid.add_column(overflow="fold")
    for name, said in facts:
        grid.add_row(name, said)
    return grid if grid.row_count else None


def plain_table(*titles: str) -> Table:
    """A table without lines: the first column to the left, numbers to the right."""
    table = Table(box=None, pad_edge=False, header_style=LABEL)
    for place, title in enumerate(titles):
        table.add_column(title, justify="right" if place else "left", overflow="fold")
    return table


def print_json(document: Any) -> None:
    """Print one strict JSON document; what JSON has no number for is spelled as in a run's files."""
    sys.stdout.write(msgspec.json.format(strict_json(document), indent=2).decode() + "\n")


def strict_json(document: Any) -> bytes:
    """A document in one line of strict JSON."""
    return msgspec.json.encode(spelled(msgspec.to_builtins(document, enc_hook=str)))
