"""Numbers, times and texts as a person reads them, on a screen, on paper and on a page.

A missing value is "-", and a value that is not finite is spelled as in a run's files: NaN, Infinity, -Infinity. The
pages have the same rules in `dashboard/static/format.js`; one table of cases tests both.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Context

from rlvitals.records.coercion import spelled
from rlvitals.records.metric import Metric

ABSENT = "-"
NOT_REPORTED = "not reported"
BAD = "!"
"""Stands in a sparkline where no value is finite."""

_GROUPED_FROM = 1_000
_NEARLY_GROUPED = 990
"""Beyond this a number may be rounded to one that is grouped."""
_PLAIN_UNTIL = 1e9
_LEAST_PLAIN = 1e-4
"""Smaller numbers have a power of ten."""
_EXACT = 15
"""Digits that a rounded number never has more of."""
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_ROUNDING = 1e-9
"""Values that differ by less, against their size, draw a level line: means of equal values differ so."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_LINE = 21
"""Characters of an interval."""
_BAR = 20
"""Characters of a bar."""


def format_value(metric: Metric, value: float | None, digits: int = 4, *, with_unit: bool = False) -> str:
    """Format a value of a metric.

    Args:
        metric: The metric, or what `metric_of` makes of a custom name.
        value: Its value, or a mean of its values; `None` if missing.
        digits: Significant digits, where it is not a whole number.
        with_unit: Whether to add the unit, if there is one.
    """
    match metric.format:
        case "percent":
            text = percent(value)
        case "time":
            text = format_time(value)
        case "count" if value is not None and math.isfinite(value) and value == int(value):
            text = count(int(value))
        case _:
            text = number(value, digits)
    return f"{text} {metric.unit}" if with_unit and value is not None and metric.unit not in {"", "1"} else text


def number(value: float | None, digits: int = 4) -> str:
    """Format a number to so many significant digits; large numbers whole."""
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        return str(spelled(float(value)))
    size = abs(value)
    if _GROUPED_FROM <= size < _PLAIN_UNTIL:
        return f"{_whole(value):,}"
    text = _shortened(value, digits)
    if "e" in text or text == "-0" or size > _NEARLY_GROUPED:
        rounded = float(text) + 0.0  # not -0
        if size < _GROUPED_FROM <= abs(rounded):
            return f"{_whole(value):,}"
        if not rounded or _LEAST_PLAIN <= abs(rounded) < _GROUPED_FROM:
            return f"{rounded:.{_EXACT}g}"
    return text


def format_any(value: object, digits: int = 4) -> str:
    """Format a value whose metric is unknown; a list of two numbers is a range."""
    if isinstance(value, list):
        is_range = len(value) == 2 and all(isinstance(one, int | float) for one in value)  # noqa: PLR2004 - two ends
        return (" to " if is_range else ", ").join(format_any(one, digits) for one in value)
    return number(value, digits) if isinstance(value, float) else str(value)


def count(value: int | None) -> str:
    """Format a whole number, exactly."""
    return ABSENT if value is None else f"{value:,}"


def counted(many: int, noun: str) -> str:
    """Format a number of things, with the noun in the singular or the plural."""
    return f"{count(many)} {noun}{'' if many == 1 else 's'}"


def dropped_text(dropped: Mapping[str, int]) -> str:
    """Say how many records were dropped, and by which sink; empty if none were.

    Args:
        dropped: Number of dropped records: `records` are those of the run folder, the rest are sinks by name.
    """
    by = {where: "" if where == "records" else f" by {where}" for where in dropped}
    return ", ".join(f"{counted(many, 'record')} dropped{by[where]}" for where, many in dropped.items() if many)


def percent(share: float | None, digits: int | None = None) -> str:
    """Format a share of one in per cent.

    Args:
        share: The share; `None` if missing.
        digits: Significant digits; by default whole per cent.
    """
    hundredths = None if share is None else 100 * share
    if hundredths is None or not math.isfinite(hundredths):
        return number(hundredths)
    return f"{number(hundredths, digits) if digits else number(float(_whole(hundredths)))} %"


def _shortened(value: float, digits: int) -> str:
    """Round half away from zero, as browsers do; Python's own formats round half to even."""
    text, longer = f"{value:.{digits}g}", f"{value:.{digits + 1}g}"
    # Half-way between two numbers lies only a value that one more digit spells exactly.
    if longer != text and longer.partition("e")[0].endswith("5") and float(longer) == value:
        rounded = Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal_from_float(value)
        return f"{float(rounded):.{digits}g}"
    return text


def _whole(value: float) -> int:
    """Round half away from zero to a whole number."""
    return math.floor(abs(value) + 0.5) * (-1 if value < 0 else 1)


def reported_share(share: float | None, reported: int, of: int) -> str:
    """A share of those that reported it, with their number where some did not.

    Args:
        share: The share; `None` if none reported it.
        reported: How many reported it.
        of: How many there are.
    """
    return percent(share) if share is None or reported >= of else f"{percent(share)} of {count(reported)}"


def format_duration(seconds: float | None) -> str:
    """Format a length of time by its two largest units; a second unit of zero is left out."""
    if seconds is None or not math.isfinite(seconds):
        return number(seconds)
    whole = max(0, _whole(seconds))
    for unit, name, part, part_name in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "m"), (_MINUTE, "m", 1, "s")):
        if whole >= unit:
            rest = whole % unit // part
            return f"{whole // unit}{name} {rest}{part_name}" if rest else f"{whole // unit}{name}"
    return f"{whole}s"


def format_age(seconds: float | None) -> str:
    """How long ago something was."""
    if seconds is None:
        return ABSENT
    return "now" if seconds < 1 else f"{format_duration(seconds)} ago"


def format_time(time: float | None) -> str:
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


def share_bar(share: float | None) -> str:
    """A share of one as a bar of characters."""
    filled = 0 if share is None or not math.isfinite(share) else round(_BAR * min(1.0, max(0.0, share)))
    return "█" * filled + "░" * (_BAR - filled)


def interval_line(value: float | None, low: float | None, high: float | None, least: float, most: float) -> str:
    """An interval around an estimate in a line, with a mark at zero.

    Args:
        value: The estimate.
        low: The lower end.
        high: The upper end.
        least: What the left edge stands for.
        most: What the right edge stands for.
    """
    if value is None or not math.isfinite(value) or not most / 2 > least / 2:
        return ABSENT

    def place(at: float) -> int:
        share = (at / 2 - least / 2) / (most / 2 - least / 2)
        return round(min(1.0, max(0.0, share)) * (_LINE - 1))

    line = [" "] * _LINE
    if low is not None and high is not None:
        line[place(low) : place(high) + 1] = "─" * (place(high) + 1 - place(low))
    if least <= 0.0 <= most:
        line[place(0.0)] = "┼" if line[place(0.0)] == "─" else "│"
    line[place(value)] = "●"
    return "".join(line)
