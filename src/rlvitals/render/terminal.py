"""What a command prints on: a terminal with its colours, a pipe, or one strict JSON document."""

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
"""Columns of a pipe: wide enough that nothing is folded or cut for a program that reads."""

_READABLE = 100


def make_screen(*, to_stderr: bool = False) -> Console:
    """Standard output. In a pipe there is no colour and no folding; `COLUMNS` and `NO_COLOR` are heeded."""
    stream = sys.stderr if to_stderr else sys.stdout
    piped = not stream.isatty() and "COLUMNS" not in os.environ
    return Console(stderr=to_stderr, width=PIPED_WIDTH if piped else None, highlight=False, markup=False, emoji=False)


def number_text(value: float | None, digits: int = 4) -> Text:
    """A measured value; what is not finite stands out."""
    said = number(value, digits)
    bad = value is not None and said.lstrip("-") in {"NaN", "Infinity"}
    return Text(said, BAD if bad else LABEL if said == ABSENT else "")


def print_json(document: Any) -> None:
    """Print one strict JSON document; what JSON has no number for is spelled as in a run's files."""
    sys.stdout.write(msgspec.json.format(strict_json(document), indent=2).decode() + "\n")


def readable(width: int) -> int:
    """The width for running text: not all of a wide screen; in a pipe it is not folded."""
    return width if width > PIPED_WIDTH // 2 else min(width, _READABLE)


def status_text(status: str) -> Text:
    """A status, or a severity, in its colour."""
    return Text(escape_control(status), STYLES.get(status, ""))
