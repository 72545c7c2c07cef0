"""Terminal output: console, colours, numbers and JSON documents."""

import os
import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from rlvitals.formatting import ABSENT, number
from rlvitals.records.json_encoding import strict_json
from rlvitals.text_escaping import escape_control

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
TONES = {
    "good": "bold green",
    "watch": "yellow",
    "bad": "bold red",
    "neutral": "dim",
    "quiet": "dim",
    "group1": "blue",
    "group2": "yellow",
    "group3": "magenta",
    "group4": "cyan",
}
BAD = "bold red"
LABEL = "dim"
TITLE = "bold"
PIPED_WIDTH = 1_000
"""Width of a pipe in columns, large enough that no line is folded or truncated for a program that reads it."""

_READABLE = 100


def make_screen(*, to_stderr: bool = False) -> Console:
    """Return a console on standard output or standard error.

    In a pipe there are no colours and lines are not folded. `COLUMNS` and `NO_COLOR` are respected.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    piped = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(stderr=to_stderr, width=PIPED_WIDTH if piped else None, highlight=False, markup=False, emoji=False)


def number_text(value: float | None, digits: int = 4) -> Text:
    """Return a number as text, with non-finite values highlighted."""
    said = number(value, digits)
    bad = value is not None and said.lstrip("-") in {"NaN", "Infinity"}
    return Text(said, BAD if bad else LABEL if said == ABSENT else "")


def print_json(document: Any) -> None:
    """Print one strict JSON document. Non-finite numbers are strings as in the run files, for example `"NaN"`."""
    sys.stdout.write(msgspec.json.format(strict_json(document), indent=2).decode() + "\n")


def readable(width: int) -> int:
    """Return the width of running text, which is limited on a wide terminal and unlimited in a pipe."""
    return width if width > PIPED_WIDTH // 2 else min(width, _READABLE)


def status_text(status: str) -> Text:
    """Return a status or severity in its colour."""
    return Text(escape_control(status), STYLES.get(status, ""))
