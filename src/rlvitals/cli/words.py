"""Words on a terminal: those of `rlvitals.words`, and what keeps a recorded text from steering it."""

import re
from collections.abc import Iterable

from rlvitals.words import (
    ABSENT,
    BAD,
    NOT_REPORTED,
    ago,
    count,
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
    "moment",
    "number",
    "packed",
    "percent",
    "reported_share",
    "span",
    "sparkline",
]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """A text that was recorded, without what would steer the terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def packed(words: Iterable[str], width: int) -> list[str]:
    """Words side by side in lines of at most a width; a word is not broken."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 2 + len(word) <= width:
            lines[-1] += f"  {word}"
        else:
            lines.append(word)
    return lines
