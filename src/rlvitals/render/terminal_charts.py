"""Charts on a terminal: a wide curve is drawn with blocks, the other charts are tables."""

from collections.abc import Iterator

import numpy as np
from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from rlvitals.documents.chart_tables import chart_tables
from rlvitals.documents.charts import CurveChart, Line, titled
from rlvitals.documents.document import Charts
from rlvitals.formatting import number
from rlvitals.render.terminal import BAD, LABEL, TITLE
from rlvitals.render.terminal_tables import captioned
from rlvitals.text_escaping import escape_control

_ROWS = 6
"""Height of a chart in lines."""
_MOST_COLUMNS = 72
_BLOCKS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = 8


def drawn(found: Charts, width: int) -> Iterator[RenderableType]:
    """Draw a single wide curve with blocks, and other charts as tables.

    Args:
        found: Charts to draw.
        width: Width of the screen in columns.
    """
    curve = found.charts[0] if found.wide and len(found.charts) == 1 else None
    line = _main(curve) if isinstance(curve, CurveChart) else None
    if isinstance(curve, CurveChart) and line is not None:
        yield from _plot(curve, line, width)
        return
    for place, table in enumerate(chart_tables(found.charts)):
        if place:
            yield Text("")
        yield from captioned(table, width)


def _main(curve: CurveChart) -> Line | None:
    """Return the main line of a chart, or `None` if it has no main line or no finite point."""
    lines = [line for line in curve.lines if line.kind == "main"]
    return lines[-1] if lines and np.isfinite(lines[-1].y).any() else None


def _plot(curve: CurveChart, line: Line, width: int) -> Iterator[RenderableType]:
    """Draw a curve with its range on the left and the axis below."""
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
    about = "; ".join(filter(None, ("" if line.label == "each" else line.label, curve.note)))
    yield Text.assemble((escape_control(titled(curve)), TITLE), (f"  {escape_control(about)}" if about else "", LABEL))
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
    """Return a line that marks each column with a non-finite value."""
    marks = [" "] * columns
    for bad in curve.bad:
        for at in bad.x:
            share = (at - first) / (last - first) if last > first else 0.0
            marks[round(min(1.0, max(0.0, share)) * (columns - 1))] = "!"
    return "".join(marks)


def _axis(curve: CurveChart, first: float, last: float, columns: int) -> str:
    start, end = f"{curve.clock} {number(first)}", number(last)
    return f"{start}{' ' * max(2, columns - cell_len(start) - cell_len(end))}{end}"
