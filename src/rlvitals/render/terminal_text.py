"""Words on a terminal: those of `rlvitals.formatting`, and what keeps a recorded text from steering it."""

from rlvitals.formatting import (
    ABSENT,
    BAD,
    count,
    format_age,
    format_any,
    format_duration,
    format_time,
    format_value,
    number,
    percent,
    sparkline,
)
from rlvitals.text_escaping import escape_control

__all__ = [
    "ABSENT",
    "BAD",
    "count",
    "escape_control",
    "format_age",
    "format_any",
    "format_duration",
    "format_time",
    "format_value",
    "number",
    "percent",
    "sparkline",
]
