"""Formatting of numbers, times and small text graphics for terminals, reports and pages.

A missing value is "-". Non-finite values are written as in the run files: NaN, Infinity, -Infinity. The web pages apply
the same rules in `dashboard/static/format.js`. One table of cases tests both implementations.
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
"""Character in a sparkline for a non-finite value."""

_GROUPED_FROM = 1_000
_NEARLY_GROUPED = 990
"""Numbers above this can round up to a number with thousands separators."""
_PLAIN_UNTIL = 1e9
_LEAST_PLAIN = 1e-4
"""Smaller numbers are written with a power of ten."""
_EXACT = 15
"""Largest number of significant digits of a rounded number."""
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3_600, 86_400, 31_536_000
_ROUNDING = 1e-9
"""Relative difference below which values are drawn as a flat line. Means of equal values differ by rounding."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_LINE = 21
"""Width of an interval, in characters."""
_BAR = 20
"""Width of a bar, in characters."""


def format_value(metric: Metric, value: float | None, digits: int = 4, *, with_unit: bool = False) -> str:
    """Format a value of a metric.

    Args:
        metric: Metric of the value. `metric_of` returns one for any custom name.
        value: Value of the metric, or a mean of its values; `None` if missing.
        digits: Number of significant digits, unless the value is a whole number.
        with_unit: Whether to append the unit, if the metric has one.
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
    """Format a number to a given number of significant digits. Large numbers are rounded to whole numbers."""
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
    """Format a value of an unknown metric. A list of two numbers is a range."""
    if isinstance(value, list):
        is_range = len(value) == 2 and all(isinstance(one, int | float) for one in value)  # noqa: PLR2004 - two ends
        return (" to " if is_range else ", ").join(format_any(one, digits) for one in value)
    return number(value, digits) if isinstance(value, float) else str(value)


def count(value: int | None) -> str:
    """Format a whole number exactly, with thousands separators."""
    return ABSENT if value is None else f"{value:,}"


def counted(many: int, noun: str) -> str:
    """Format a number with a noun in the singular or the plural."""
    return f"{count(many)} {noun}{'' if many == 1 else 's'}"


def listed(names: Sequence[str], most: int | None = None) -> str:
    """Join names for a sentence: `a, b and c`.

    Args:
        names: Names to join.
        most: Maximum number of names. The remaining names are counted: `a, b and 3 more`.
    """
    left = [] if most is None or len(names) <= most else [f"{count(len(names) - most)} more"]
    kept = [*names[:most], *left]
    return " and ".join(filter(None, (", ".join(kept[:-1]), *kept[-1:])))


def dropped_text(dropped: Mapping[str, int]) -> str:
    """Format the number of dropped records of the run folder and of each sink. The text is empty if none were dropped.

    Args:
        dropped: Number of dropped records by destination. The key `records` is the run folder; the other keys are sink
            names.
    """
    by = {where: "" if where == "records" else f" by {where}" for where in dropped}
    return ", ".join(f"{counted(many, 'record')} dropped{by[where]}" for where, many in dropped.items() if many)


def percent(share: float | None, digits: int | None = None) -> str:
    """Format a fraction as a percentage.

    Args:
        share: Fraction from 0 to 1; `None` if missing.
        digits: Number of significant digits; by default the percentage is a whole number.
    """
    hundredths = None if share is None else 100 * share
    if hundredths is None or not math.isfinite(hundredths):
        return number(hundredths)
    return f"{number(hundredths, digits) if digits else number(float(_whole(hundredths)))} %"


def _shortened(value: float, digits: int) -> str:
    """Round half away from zero, as browsers do. Python's number formats round half to even."""
    text, longer = f"{value:.{digits}g}", f"{value:.{digits + 1}g}"
    # A value is exactly half-way between two results only if one more digit represents it exactly.
    if longer != text and longer.partition("e")[0].endswith("5") and float(longer) == value:
        rounded = Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal_from_float(value)
        return f"{float(rounded):.{digits}g}"
    return text


def _whole(value: float) -> int:
    """Round to a whole number, half away from zero."""
    return math.floor(abs(value) + 0.5) * (-1 if value < 0 else 1)


def reported_share(share: float | None, reported: int, of: int) -> str:
    """Format a fraction with the number of items that reported the value, if some did not report it.

    Args:
        share: Fraction from 0 to 1; `None` if no item reported the value.
        reported: Number of items that reported the value.
        of: Total number of items.
    """
    return percent(share) if share is None or reported >= of else f"{percent(share)} of {count(reported)}"


def format_duration(seconds: float | None) -> str:
    """Format a duration in seconds by its two largest units. The second unit is left out if it is zero."""
    if seconds is None or not math.isfinite(seconds):
        return number(seconds)
    whole = max(0, _whole(seconds))
    for unit, name, part, part_name in (
        (_YEAR, "y", _DAY, "d"),
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "m"),
        (_MINUTE, "m", 1, "s"),
    ):
        if whole >= unit:
            rest = whole % unit // part
            return f"{whole // unit}{name} {rest}{part_name}" if rest else f"{whole // unit}{name}"
    return f"{whole}s"


def format_age(seconds: float | None) -> str:
    """Format an age in seconds, such as "5m 3s ago"."""
    if seconds is None:
        return ABSENT
    return "now" if seconds < 1 else f"{format_duration(seconds)} ago"


def format_time(time: float | None) -> str:
    """Format a time in seconds since 1970 as a date and time in the local time zone."""
    if time is None:
        return ABSENT
    try:
        local = dt.datetime.fromtimestamp(time, tz=dt.UTC).astimezone()
    except (ValueError, OverflowError, OSError):  # a replayed training can log any number as its time
        return f"{number(time)} s"
    return local.strftime("%Y-%m-%d %H:%M:%S %z")


def sparkline(values: Sequence[float | None]) -> str:
    """Draw a curve in one line, with one character per value: blank if missing, `!` if non-finite."""
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
        # Halve the values first, so that a range wider than the largest float does not overflow.
        share = (value / 2 - low / 2) / (high / 2 - low / 2)
        return _BLOCKS[min(len(_BLOCKS) - 1, int(share * len(_BLOCKS)))]

    return "".join(map(block, values))


def share_bar(share: float | None) -> str:
    """Draw a fraction from 0 to 1 as a bar of characters."""
    filled = 0 if share is None or not math.isfinite(share) else round(_BAR * min(1.0, max(0.0, share)))
    return "█" * filled + "░" * (_BAR - filled)


def interval_line(value: float | None, low: float | None, high: float | None, least: float, most: float) -> str:
    """Draw an estimate with its interval in one line, with a mark at zero.

    Args:
        value: Estimate.
        low: Lower end of the interval.
        high: Upper end of the interval.
        least: Value at the left edge of the line.
        most: Value at the right edge of the line.
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
