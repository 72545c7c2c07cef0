"""Words on a terminal: those of `rlvitals.words`, and what keeps a recorded text from steering it."""

from collections.abc import Iterable

from rlvitals.escaping import clean
from rlvitals.words import (
    ABSENT,
    BAD,
    NOT_REPORTED,
    ago,
    count,
    format_any,
    format_value,
    moment,
    number,
    percent,
    reported_share,
    span,
    sparkline,
)

__all__ = [
    "ABSENT",
    "BAD",
    "NOT_REPORTED",
    "ago",
    "clean",
    "count",
    "format_any",
    "format_value",
    "moment",
    "number",
    "packed",
    "percent",
    "reported_share",
    "span",
    "sparkline",
]


def packed(words: Iterable[str], width: int) -> list[str]:
    """Words side by side in lines of at most a width; a word is not broken."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 2 + len(word) <= width:
            lines[-1] += f"  {word}"
        else:
            lines.append(word)
    return lines
