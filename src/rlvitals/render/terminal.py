"""What a command prints on: a terminal, a pipe, or one strict JSON document."""

import os
import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from rlvitals.records.json_encoding import strict_json
from rlvitals.render.terminal_styles import BAD, LABEL, PIPED_WIDTH, STYLES, TITLE, TONES, status_text
from rlvitals.render.terminal_text import ABSENT, number

__all__ = [
    "BAD",
    "LABEL",
    "STYLES",
    "TITLE",
    "TONES",
    "make_screen",
    "number_text",
    "print_json",
    "status_text",
]


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
