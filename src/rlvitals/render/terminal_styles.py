"""Colours of a terminal: of statuses, severities and tones."""

from rich.text import Text

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


def readable(width: int) -> int:
    """The width for running text: not all of a wide screen; in a pipe it is not folded."""
    return width if width > PIPED_WIDTH // 2 else min(width, _READABLE)


def status_text(status: str) -> Text:
    """A status, or a severity, in its colour."""
    return Text(escape_control(status), STYLES.get(status, ""))
