"""Charts on a terminal: a curve as a line of blocks, or as rows of them; estimates and heat maps as text."""

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from rlvitals.documents.charts import GROUPS, Chart, CurveChart, Floats, Heat, IntervalChart, Line, Strips
from rlvitals.documents.document import Cell, Charts, Spark, Table, Toned
from rlvitals.documents.run_tables import value
from rlvitals.formatting import ABSENT, number
from rlvitals.render.terminal_styles import BAD, LABEL, TITLE
from rlvitals.render.terminal_tables import fits, fitted, span_line
from rlvitals.stats.series.down_sampling import sparks
from rlvitals.text_escaping import escape_control

_ROWS = 6
"""Lines of a chart."""
_MOST_COLUMNS = 72
_BLOCKS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = 8
_BAR = 20
_SPARKS = (40, 30, 20, 12)
"""Lengths of a curve in a row; the first that fits is taken."""
_TITLES = ("", "over the run", "first", "low", "high", "last", "healthy", "note")
_FEWER_TITLES = ("", "over the run", "first", "last", "healthy", "note")
_TEXTS = {"", "over the run", "note"}
_MOST_VALUES = 20


def drawn(found: Charts, width: int) -> Iterator[RenderableType]:
    """Draw charts: a wide curve in several lines, the others in one line each.

    Args:
        found: The charts.
        width: Columns of the screen.
    """
    curves = [chart for chart in found.charts if isinstance(chart, CurveChart)]
    if found.wide and len(curves) == 1 and _main(curves[0]) is not None:
        yield from _plot(curves[0], width)
    elif curves:
        yield from fitted(_course_table(curves, width), width)
    first = not curves
    for chart in found.charts:
        if not isinstance(chart, CurveChart):
            if not first:
                yield Text("")
            yield from _other(chart, width)
            first = False


def thinned(values: Sequence[float | None], most: int) -> tuple[float | None, ...]:
    """At most so many values: of each stretch the last, or one that is not finite if it has one."""
    if len(values) <= most:
        return tuple(values)
    edges = [round(place * len(values) / most) for place in range(most + 1)]
    parts = [[value for value in values[first:end] if value is not None] for first, end in itertools.pairwise(edges)]
    return tuple(next((value for value in part if value != value), part[-1]) if part else None for part in parts)  # noqa: PLR0124


def _course_table(curves: list[CurveChart], width: int) -> Table:
    """A row a curve; on a narrow screen with shorter lines, and then without the extremes."""
    rows = [row for curve in curves for row in _rows(curve, is_alone=len(curves) == 1)]
    for titles in (_TITLES, _FEWER_TITLES):
        for length in _SPARKS:
            cells = tuple(tuple(_at(row[title], length) for title in titles) for row in rows)
            texts = tuple(place for place, title in enumerate(titles) if title in _TEXTS)
            table = Table(titles, cells, texts)
            if fits(table, width):
                return table
    return table


def _at(cell: Cell, length: int) -> Cell:
    return Spark(thinned(cell.values, length)) if isinstance(cell, Spark) else cell


def _rows(curve: CurveChart, *, is_alone: bool) -> Iterator[dict[str, Cell]]:
    """A curve in a row; of several groups a row each."""
    unit = f" ({curve.unit})" if curve.unit and curve.unit not in curve.title.lower() else ""
    grouped = [line for line in curve.lines if line.kind in GROUPS]
    for line in grouped:
        yield {
            "": Toned(line.label if is_alone else f"{curve.title}{unit}: {line.label}", line.kind),
            "over the run": Spark(sparks(np.where(np.isfinite(line.y), line.y, math.nan))),
            **_ends(line.y),
            "healthy": ABSENT,
            "note": ABSENT,
        }
    if not grouped:
        yield {
            "": f"{curve.title}{unit}",
            "over the run": Spark(curve.spark),
            **_ends(curve.lines[0].y, curve),
            "healthy": _healthy(curve),
            "note": curve.note or ABSENT,
        }


def _ends(values: Floats, curve: CurveChart | None = None) -> dict[str, Cell]:
    """The first value, the least, the greatest and the last."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return dict.fromkeys(("first", "low", "high", "last"), ABSENT)
    last = float(values[-1])
    return {
        "first": value(float(finite[0])),
        "low": value(float(finite.min())),
        "high": value(float(finite.max())),
        "last": Toned(number(last), "watch") if curve is not None and _side(curve, last) else value(last),
    }


def _healthy(curve: CurveChart) -> Cell:
    """The healthy range, and on which side of it the last value is."""
    low, high = curve.healthy or (None, None)
    if high is None:
        return ABSENT
    text = f"{number(low)} to {number(high)}" if low is not None else f"at most {number(high)}"
    side = _side(curve, float(curve.lines[0].y[-1])) if curve.lines[0].y.size else ""
    return Toned(f"{text}: {side}", "watch") if side else Toned(text, "quiet")


def _side(curve: CurveChart, last: float) -> str:
    low, high = curve.healthy or (None, None)
    if high is not None and last > high:
        return "above"
    return "below" if low is not None and last < low else ""


def _main(curve: CurveChart) -> Line | None:
    """The line that a chart is drawn by; `None` if it has none, or no finite point."""
    lines = [line for line in curve.lines if line.kind == "main"]
    return lines[-1] if lines and np.isfinite(lines[-1].y).any() else None


def _plot(curve: CurveChart, width: int) -> Iterator[RenderableType]:
    """A curve as a chart of several lines, with its range at the left and the clock below."""
    line = _main(curve)
    assert line is not None, "a curve is drawn that has a line"
    there = np.isfinite(line.y) & np.isfinite(line.x)
    x, y = line.x[there], line.y[there]
    low, high = float(y.min()), float(y.max())
    top, bottom = number(high), number(low)
    margin = max(len(top), len(bottom))
    columns = max(1, min(_MOST_COLUMNS, width - margin - 2, x.size))
    places = np.linspace(float(x[0]), float(x[-1]), columns)
    means = np.interp(places, x, y)
    steps = _ROWS * _EIGHTHS
    span = high / 2 - low / 2
    eighths = np.full(columns, steps // 2) if span <= 0 else 1 + np.round((means / 2 - low / 2) / span * (steps - 1))
    unit = f" ({curve.unit})" if curve.unit and curve.unit not in curve.title.lower() else ""
    about = "; ".join(filter(None, ("" if line.label == "each" else line.label, curve.note)))
    yield Text.assemble(
        (escape_control(f"{curve.title}{unit}"), TITLE), (f"  {escape_control(about)}" if about else "", LABEL)
    )
    for row in range(_ROWS):
        blocks = np.clip(eighths - (_ROWS - 1 - row) * _EIGHTHS, 0, _EIGHTHS).astype(int)
        label = top if row == 0 else bottom if row == _ROWS - 1 and span > 0 else ""
        yield Text.assemble((f"{label:>{margin}} ", LABEL), ("".join(_BLOCKS[block] for block in blocks), "cyan"))
    if curve.bad:
        yield Text.assemble(" " * (margin + 1), (_bad_line(curve, float(x[0]), float(x[-1]), columns), BAD))
    yield Text(f"{'':{margin}} {_axis(curve, float(x[0]), float(x[-1]), columns)}", LABEL)
    for level in curve.levels:
        yield Text(f"{'':{margin}} {escape_control(level.label)}", LABEL)


def _bad_line(curve: CurveChart, first: float, last: float, columns: int) -> str:
    """A mark under each column in which a value is not finite."""
    marks = [" "] * columns
    for bad in curve.bad:
        for at in bad.x:
            share = (at - first) / (last - first) if last > first else 0.0
            marks[round(min(1.0, max(0.0, share)) * (columns - 1))] = "!"
    return "".join(marks)


def _axis(curve: CurveChart, first: float, last: float, columns: int) -> str:
    start, end = f"{curve.clock} {number(first)}", number(last)
    return f"{start}{' ' * max(2, columns - cell_len(start) - cell_len(end))}{end}"


def _other(chart: Chart, width: int) -> Iterator[RenderableType]:
    match chart:
        case IntervalChart():
            yield Text(escape_control(chart.title), TITLE)
            yield from fitted(_estimate_table(chart), width)
        case Strips():
            yield Text(escape_control(chart.title), TITLE)
            rows = tuple((Toned(row.label, row.kind), row.text, _values(row.values)) for row in chart.rows)
            yield from fitted(Table(("", chart.axis, "runs"), rows, texts=(0, 1, 2)), width)
        case Heat():
            yield from _heat(chart, width)


def _estimate_table(chart: IntervalChart) -> Table:
    if chart.share:
        rows = tuple((row.label, Toned(_bar(row.value), row.tone), row.text) for row in chart.rows)
    else:
        ends = [end for row in chart.rows for end in (row.value, row.low, row.high, chart.zero) if end is not None]
        finite = [end for end in ends if math.isfinite(end)] or [0.0, 1.0]
        low, high = chart.limits or (min(finite), max(finite))
        rows = tuple(
            (row.label, Toned(span_line(row.value, row.low, row.high, low, high), row.tone), row.text)
            for row in chart.rows
        )
    return Table(("", "", chart.axis), rows, texts=(0, 1, 2))


def _bar(share: float | None) -> str:
    filled = 0 if share is None or not math.isfinite(share) else round(_BAR * min(1.0, max(0.0, share)))
    return "█" * filled + "░" * (_BAR - filled)


def _values(values: tuple[float, ...]) -> str:
    shown = ", ".join(number(one) for one in sorted(values)[:_MOST_VALUES])
    more = len(values) - _MOST_VALUES
    return f"{shown}, and {more} more" if more > 0 else shown or ABSENT


def _heat(chart: Heat, width: int) -> Iterator[RenderableType]:
    """A heat map: a column of blocks a cell, higher for more; a dot where nothing was tried."""
    means = chart.means
    finite = means[np.isfinite(means)]
    if not finite.size:
        return
    low, high = float(finite.min()), float(finite.max())
    margin = max(map(cell_len, chart.rows), default=0)
    each = 2 if margin + 2 * len(chart.columns) < width else 1
    yield Text.assemble((escape_control(chart.title), TITLE), (f"  {number(low)} (▁) to {number(high)} (█)", LABEL))
    for name, row in zip(chart.rows, means, strict=True):
        cells = "".join((_shade(float(one), low, high) * each) for one in row)
        yield Text.assemble((f"{escape_control(name):>{margin}} ", LABEL), (cells, "cyan"))
    names = f"{chart.columns[0]} to {chart.columns[-1]}" if chart.columns else ""
    yield Text(escape_control(f"{'':{margin}} {chart.x}: {names}; rows: {chart.y}"), LABEL)


def _shade(mean: float, low: float, high: float) -> str:
    if not math.isfinite(mean):
        return "·"
    share = 0.5 if high <= low else (mean / 2 - low / 2) / (high / 2 - low / 2)
    return _BLOCKS[1 + min(_EIGHTHS - 1, int(share * _EIGHTHS))]
