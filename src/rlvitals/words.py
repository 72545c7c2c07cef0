"""Numbers, times and texts as a person reads them, on a screen and on paper.

Absent is "-", and the numbers that are none are spelled as in a run's files: NaN, Infinity, -Infinity.
"""

import datetime as dt
import math
from collections.abc import Sequence

from rlvitals.records.coercion import spelled

ABSENT = "-"
NOT_REPORTED = "not reported"
BAD = "!"
"""Stands in a sparkline where no value is finite."""

_GROUPED_FROM = 1_000
_PLAIN_UNTIL = 1e9
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_ROUNDING = 1e-9
"""Values that differ by less, against their size, draw a level line: means of equal values differ so."""
_BLOCKS = "▁▂▃▄▅▆▇█"


def number(value: float | None, digits: int = 4) -> str:
    """A measured value, to so many digits; large ones whole."""
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        return str(spelled(float(value)))
    if _GROUPED_FROM <= abs(value) < _PLAIN_UNTIL:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def count(value: int | None) -> str:
    """A whole number, exact."""
    return ABSENT if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    """A share of one."""
    return ABSENT if share is None else f"{100 * share:.0f} %" if math.isfinite(share) else number(share)


def reported_share(share: float | None, reported: int, of: int) -> str:
    """A share of those that reported it, with their number where some did not.

    Args:
        share: The share; `None` if none reported it.
        reported: How many reported it.
        of: How many there are.
    """
    return percent(share) if share is None or reported >= of else f"{percent(share)} of {count(reported)}"


def span(seconds: float | None) -> str:
    """A length of time, by its two largest units."""
    if seconds is None:
        return ABSENT
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole}s"
    for unit, name, part, part_name in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "m"), (_MINUTE, "m", 1, "s")):
        if whole >= unit:
            return f"{whole // unit}{name} {whole % unit // part}{part_name}"
    raise AssertionError("a minute is the smallest unit")


def ago(seconds: float | None) -> str:
    """How long ago something was."""
    if seconds is None:
        return ABSENT
    return "now" if seconds < 1 else f"{span(seconds)} ago"


def moment(time: float | None) -> str:
    """A moment, in this machine's own time zone."""
    if time is None:
        return ABSENT
    try:
        local = dt.datetime.fromtimestamp(time, tz=dt.UTC).astimezone()
    except (ValueError, OverflowError, OSError):  # a replayed training may say any number
        return f"{number(time)} s"
    return local.strftime("%Y-%m-%d %H:%M:%S %z")


def sparkline(values: Sequence[float | None]) -> str:
    """A curve in one line: one character a value; blank where there is none, `!` where it is not finite."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    is_flat = high / 2 - low / 2 <= _ROUNDING * max(abs(high), abs(low))

    def block(value: float | None) -> str:
        if value is None:
            return " "
        if not math.isfinite(value):
            return BAD
        if is_flat:
            return _BLOCKS[3]
        # Halved first, so that a range wider than the largest float does no harm.
        share = (value / 2 - low / 2) / (high / 2 - low / 2)
        return _BLOCKS[min(len(_BLOCKS) - 1, int(share * len(_BLOCKS)))]

    return "".join(map(block, values))
