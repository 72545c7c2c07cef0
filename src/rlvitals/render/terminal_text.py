"""Words on a terminal: those of `rlvitals.formatting`, and what keeps a recorded text from steering it."""

from collections.abc import Iterable

from rlvitals.formatting import (
    ABSENT,
    BAD,
    NOT_REPORTED,
    count,
    format_age,
    format_any,
    format_duration,
    format_time,
    format_value,
    number,
    percent,
    reported_share,
    sparkline,
)
from rlvitals.text_escaping import escape_control

__all__ = [
    "ABSENT",
    "BAD",
    "NOT_REPORTED",
    "count",
    "escape_control",
    "format_age",
    "format_any",
    "format_duration",
    "format_time",
    "format_value",
    "number",
    "packed",
    "percent",
    "reported_share",
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
