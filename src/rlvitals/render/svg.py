"""Charts as SVG text, made only of numbers and escaped texts and styled by classes, so that no script can run."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.documents.charts import (
    GROUPS,
    Axis,
    Band,
    Chart,
    CurveChart,
    Heat,
    IntervalChart,
    Line,
    Strips,
    height_axis,
    legend,
    place_axis,
    titled,
)
from rlvitals.documents.document import Span
from rlvitals.formatting import ABSENT, counted, number
from rlvitals.render import svg_heatmap, svg_intervals
from rlvitals.render.svg_primitives import (
    LETTER,
    Scale,
    cut,
    drawing,
    element,
    lonely,
    path,
    placed,
    said,
    tick_text,
    written,
)

STYLE = (files("rlvitals.render") / "charts.css").read_text(encoding="utf-8")
"""Style sheet of the charts, with light and dark colours."""

WIDTH = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 10, 12, 26
_HOVERS = 48
_TITLE = 22
"""Height of the title of a standalone drawing."""
_TITLE_LETTER = 7.3
"""Approximate width of a character of the title."""
_EDGE, _LEGEND_LINE, _SWATCH = 10, 15, 26
"""Space at the sides of the legend and between its entries; height of its lines; width of a line sample."""
_BALL = 15
"""Width of the circle around the number of a finding."""
_BELOW, _GAP = 52, 16
"""Height of the run-count plot below a curve, and the space above it."""
_BAR = 1.5
"""Half the width of a band that covers a single position."""
_NOTHING = "no finite value"
_KINDS = {"nan": "NaN", "positive": "Infinity", "negative": "-Infinity"}


def draw(chart: Chart, *, width: int = WIDTH, height: int | None = None, standalone: bool = False) -> str:
    """Draw a chart as SVG.

    Args:
        chart: Chart to draw.
        width: Width of the drawing, in units in which the text is 11 high.
        height: Height of the drawing in the same units. Default: depends on the chart.
        standalone: Whether the drawing is a separate file with its own style, background, title and legend.
    """
    height = height or height_of(chart, width)
    if standalone:
        body, height = captioned_chart(chart, width, height)
        return on_paper(width, height, body, _words(chart))
    return drawing("rv-chart", width, height, _drawn_chart(chart, width, height), _words(chart), is_sized=False)


def captioned_chart(chart: Chart, width: int = WIDTH, height: int | None = None) -> tuple[str, int]:
    """Draw a chart below its title and legend.

    Args:
        chart: Chart to draw.
        width: Width of the drawing, as for `draw`.
        height: Height of the chart without title and legend, as for `draw`.

    Returns:
        SVG body and its total height.
    """
    height = height or height_of(chart, width)
    key, top = _legend(chart, width)
    title = written(_EDGE, 16, cut(titled(chart), (width - 2 * _EDGE) * LETTER / _TITLE_LETTER), "rv-title")
    body = f'<g transform="translate(0,{top})">{_drawn_chart(chart, width, height)}</g>'
    return f"{title}{key}{body}", height + top


def _drawn_chart(chart: Chart, width: int, height: int) -> str:
    match chart:
        case CurveChart():
            return "".join(_curve(chart, width, height))
        case IntervalChart():
            return "".join(svg_intervals.estimates(chart, width, height))
        case Strips():
            return "".join(svg_intervals.strips(chart, width, height))
        case Heat():
            return "".join(svg_heatmap.cells(chart, width, height))


def _legend(chart: Chart, width: int) -> tuple[str, int]:
    """Draw the legend and the note of a chart under its title. Return the SVG and the height at which they end."""
    parts: list[str] = []
    x, y = _EDGE, _TITLE + _LEGEND_LINE
    notes = textwrap.wrap(chart.note, int((width - 2 * _EDGE) / LETTER))
    for kind, label in [*legend(chart), *(("", note) for note in notes)]:
        room = (_SWATCH if kind else 0) + len(label) * LETTER
        if x > _EDGE and x + room > width - _EDGE:
            x, y = _EDGE, y + _LEGEND_LINE
        if kind:
            parts.append(_swatch(kind, x, y - 4))
        parts.append(written(x + (_SWATCH if kind else 0), y, cut(label, width - x - _EDGE), "rv-tick"))
        x += round(room) + _EDGE
    return "".join(parts), y + 4 if parts else _TITLE


def _swatch(kind: str, x: float, y: float) -> str:
    """Draw a sample of a line or shade in the legend."""
    shade = {"band": "rv-band", "bands": "rv-band rv-band-bands", "healthy": "rv-healthy"}.get(kind)
    if shade is not None:
        return element("rect", shade, x=x, y=y - 4, width=_SWATCH - 6, height=8)
    return element("path", f"rv-{kind}", d=f"M{placed(x)},{placed(y)}h{_SWATCH - 6}")


def on_paper(width: int, height: int, body: str, label: str = "") -> str:
    """Return a standalone drawing with its own style and background."""
    paper = element("rect", "rv-paper", width=width, height=height)
    return drawing("rv-chart", width, height, f"<style>{STYLE}</style>{paper}{body}", label)


def height_of(chart: Chart, width: int = WIDTH) -> int:
    """Return the height that a drawing of the chart needs."""
    match chart:
        case CurveChart():
            return round(width * 0.46 if width <= WIDTH else 260) + (_BELOW if chart.below else 0)
        case Heat():
            return svg_heatmap.height_of(chart)
        case _:
            return svg_intervals.height_of(chart)


def spark(values: Sequence[float | None], *, width: int = 120, height: int = 24) -> str:
    """Draw a sparkline, with a tick at the top for each non-finite value."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return '<span class="rv-none">-</span>'
    low, high = min(known), max(known)
    over = Scale(Axis(low, high, ()), height - 3, 3)
    heights = np.array([math.nan if v is None or not math.isfinite(v) else over.at(v) for v in values])
    places = np.linspace(2, width - 2, len(values))
    bad = "".join(
        element("path", "rv-bad", d=f"M{placed(places[at])},1v5")
        for at, value in enumerate(values)
        if value is not None and not math.isfinite(value)
    )
    line = element("path", "rv-main", d=path(places, heights))
    return drawing("rv-spark", width, height, line + bad, f"from {number(known[0])} to {number(known[-1])}")


def interval(span: Span) -> str:
    """Draw a small interval on an axis centred on zero."""
    along = Scale(Axis(-span.limit, span.limit, ()), 6, 114)
    body = element("path", "rv-axis", d="M60,1V17")
    if span.low is not None and span.high is not None:
        body += element("path", "rv-interval", d=f"M{placed(along.at(span.low))},9H{placed(along.at(span.high))}")
    if span.value is not None:
        body += element("circle", "rv-dot", cx=along.at(span.value), cy=9, r="3.5")
    return drawing("rv-spark", 120, 18, body, span.text)


def _words(chart: Chart) -> str:
    if not isinstance(chart, CurveChart):
        return svg_intervals.alternative(chart) if isinstance(chart, Strips) else chart.title
    grouped = [line for line in chart.lines if line.kind in GROUPS]
    if grouped:
        ends = [f"{line.label} {_going(chart, line)}" for line in grouped]
        return f"{chart.title} by {chart.clock}: {'; '.join(ends)}"
    mains = [line for line in chart.lines if line.kind == "main"]
    return f"{chart.title} by {chart.clock}, {_going(chart, mains[-1]) if mains else _NOTHING}"


def _going(chart: CurveChart, line: Line) -> str:
    known = line.y[np.isfinite(line.y)]
    return f"from {chart.text(float(known[0]))} to {chart.text(float(known[-1]))}" if known.size else _NOTHING


class _Plane(NamedTuple):
    """The two axes of a drawing."""

    x: Scale
    y: Scale

    @property
    def box(self) -> dict[str, float]:
        """The plot area, as attributes of a rectangle."""
        return {
            "x": self.x.start,
            "y": self.y.end,
            "width": self.x.end - self.x.start,
            "height": self.y.start - self.y.end,
        }


def _curve(chart: CurveChart, width: int, height: int) -> Iterator[str]:
    over, above, below = height_axis(chart, ticks=5)
    along = place_axis(chart, ticks=5 if width <= WIDTH else 8)
    top = _TOP + (12 if chart.marks else 0)
    foot = height - _BOTTOM
    bottom = foot - (_BELOW if chart.below else 0)
    plane = _Plane(Scale(along, _LEFT, width - _RIGHT), Scale(over, bottom, top))
    yield _healthy_zone(chart, plane)
    yield from _frame(plane, chart.clock, foot)
    yield from _below(chart, plane, foot)
    yield from (_band(band, plane) for band in chart.bands)
    for line in chart.lines:
        yield from _drawn(line, plane)
    yield from _levels(chart, plane)
    yield from _marks(chart, plane)
    yield from _bad(chart, plane)
    if above or below:
        beyond = [f"{many:,} {where}" for many, where in ((above, "above"), (below, "below")) if many]
        yield written(_LEFT + 4, top + 9, f"not shown: {', '.join(beyond)}", "rv-beyond")
    yield from _hovers(chart, plane)


def _healthy_zone(chart: CurveChart, plane: _Plane) -> str:
    if chart.healthy is None:
        return ""
    down, up = map(plane.y.at, chart.healthy)
    low, high = map(number, chart.healthy)
    box = {**plane.box, "y": up, "height": down - up}
    return element("rect", "rv-healthy", f"healthy: {low} to {high}", **box) if down > up else ""


def _frame(plane: _Plane, clock: str, foot: int) -> Iterator[str]:
    left, right, bottom = plane.x.start, plane.x.end, plane.y.start
    along, over = plane.x.axis, plane.y.axis
    grid = "".join(f"M{placed(left)},{placed(plane.y.at(tick))}H{placed(right)}" for tick in over.ticks)
    yield element("path", "rv-grid", d=grid)
    yield element("path", "rv-axis", d=f"M{placed(left)},{placed(bottom)}H{placed(right)}")
    for tick in over.ticks:
        yield written(left - 6, plane.y.at(tick) + 3.5, tick_text(tick, over), "rv-tick", "end")
    room = (right - left) / (LETTER * 8)
    for tick in along.ticks[:: max(1, math.ceil(len(along.ticks) / room))]:
        if plane.x.at(tick) < right - LETTER * (len(clock) + 2):
            yield written(plane.x.at(tick), foot + 15, tick_text(tick, along), "rv-tick", "middle")
    yield written(right, foot + 15, clock, "rv-clock", "end")


def _band(band: Band, plane: _Plane) -> str:
    known = np.isfinite(band.x) & np.isfinite(band.low) & np.isfinite(band.high)
    parts = np.split(np.arange(known.size), np.flatnonzero(np.diff(known)) + 1)
    edges = [_edge(band, part, plane) for part in parts if part.size and known[part[0]]]
    return element("path", f"rv-band rv-band-{said(band.kind)}", d="".join(edges)) if edges else ""


def _below(chart: CurveChart, plane: _Plane, foot: int) -> Iterator[str]:
    """Draw the number of runs behind each line as steps on a separate scale."""
    if not chart.below:
        return
    most = max((float(line.y.max()) for line in chart.below if line.y.size), default=0.0)
    left, scale = placed(plane.x.start), Scale(Axis(0.0, most or 1.0, ()), foot, plane.y.start + _GAP)
    yield element("path", "rv-axis", d=f"M{left},{foot}H{placed(plane.x.end)}")
    yield written(plane.x.start - 6, scale.end + 6, f"{most:.0f}", "rv-tick", "end")
    yield written(plane.x.start - 6, foot + 1, "0 runs", "rv-tick", "end")
    for place, line in enumerate(chart.below):
        # Offset each group slightly, because groups of equal size would hide each other.
        heights = [scale.at(float(many)) - 1.5 * place for many in line.y]
        edges = [left, *(placed(plane.x.at(float(at))) for at in line.x)]
        steps = zip(edges, heights, strict=False)
        drawn = "".join(f"{'H' if at else 'M'}{x}{'V' if at else ','}{placed(y)}" for at, (x, y) in enumerate(steps))
        if drawn:
            yield element("path", f"rv-{line.kind} rv-steps", d=f"{drawn}H{edges[-1]}")


def _edge(band: Band, part: NDArray[np.int64], plane: _Plane) -> str:
    x, low, high = (
        [scale.at(float(value)) for value in side[part]]
        for scale, side in ((plane.x, band.x), (plane.y, band.low), (plane.y, band.high))
    )
    if len(x) == 1:  # a position without neighbours gets a bar
        x, low, high = [x[0] - _BAR, x[0] + _BAR], low * 2, high * 2
    corners = (*zip(x, high, strict=True), *zip(x[::-1], low[::-1], strict=True))
    return f"M{' '.join(f'{placed(at)},{placed(height)}' for at, height in corners)}Z"


def _drawn(line: Line, plane: _Plane) -> Iterator[str]:
    places, heights = (
        np.array([scale.at(value) if math.isfinite(value) else math.nan for value in values.tolist()])
        for scale, values in ((plane.x, line.x), (plane.y, line.y))
    )
    yield element("path", f"rv-{line.kind}", d=path(places, heights))
    dotted = np.isfinite(heights) if line.dots else lonely(heights)
    for x, y in zip(places[dotted].tolist(), heights[dotted].tolist(), strict=True):
        yield element("circle", f"rv-dot rv-dot-{line.kind}", cx=x, cy=y, r="2.4")


def _bad(chart: CurveChart, plane: _Plane) -> Iterator[str]:
    for bad in chart.bad:
        # At the edge, but clear of the circle of a finding that starts here.
        at = placed(plane.y.start - 8 if bad.kind == "negative" else plane.y.end)
        ticks = "".join(f"M{placed(plane.x.at(place))},{at}v8" for place in bad.x.tolist())
        yield element("path", "rv-bad", _KINDS[bad.kind], d=ticks)


def _levels(chart: CurveChart, plane: _Plane) -> Iterator[str]:
    for level in chart.levels:
        if plane.y.axis.low <= level.y <= plane.y.axis.high:
            y, left, right = plane.y.at(level.y), placed(plane.x.start), placed(plane.x.end)
            yield element("path", f"rv-level rv-level-{level.kind}", d=f"M{left},{placed(y)}H{right}")
            yield written(plane.x.end - 2, y - 4, level.label, "rv-level-text", "end")


def _marks(chart: CurveChart, plane: _Plane) -> Iterator[str]:
    taken: list[float] = []
    top, bottom = plane.y.end, plane.y.start
    for mark in sorted(chart.marks, key=lambda mark: mark.x):
        if not plane.x.axis.low <= mark.x <= plane.x.axis.high:
            continue
        x = at = plane.x.at(mark.x)
        while any(abs(at - other) < _BALL for other in taken):  # findings with the same onset are drawn side by side
            at += _BALL
        taken.append(at)
        yield (
            f'<g class="rv-mark rv-{said(mark.severity)}"><title>{said(mark.text)}</title>'
            f'<path d="M{placed(x)},{placed(top - 4)}V{placed(bottom)}"/>'
            f'<circle cx="{placed(at)}" cy="{placed(top - 8)}" r="7"/>'
            f"{written(at, top - 4.5, mark.label, 'rv-ball', 'middle')}</g>"
        )


def _hovers(chart: CurveChart, plane: _Plane) -> Iterator[str]:
    """Draw invisible columns whose tooltips show the values, because the page has no scripts."""
    mains = [line for line in chart.lines if line.kind in {"main", "other", *GROUPS} and line.x.size]
    runs = {line.kind: line for line in chart.below}
    if not mains:
        return
    main = mains[0]
    chosen = np.unique(np.linspace(0, main.x.size - 1, min(main.x.size, _HOVERS)).round().astype(int))
    middles = [plane.x.at(float(place)) for place in main.x[chosen]]
    borders = [plane.x.start, *((a + b) / 2 for a, b in pairwise(middles)), plane.x.end]
    for at, (begin, end) in zip(chosen.tolist(), pairwise(borders), strict=True):
        if end > begin:
            values = [_said_at(chart, line, float(main.x[at]), runs.get(line.kind)) for line in mains]
            text = "\n".join([f"{chart.clock} {number(float(main.x[at]))}", *values])
            yield element("rect", "rv-hover", text, **{**plane.box, "x": begin, "width": end - begin})


def _said_at(chart: CurveChart, line: Line, place: float, runs: Line | None) -> str:
    value = _at(line, place)
    if runs is None:
        return f"{line.label or chart.title}: {chart.text(value)}"
    many = int(_at(runs, place))
    return f"{line.label}: {chart.text(value) if many else ABSENT} ({counted(many, 'run')})"


def _at(line: Line, place: float) -> float:
    return float(line.y[min(line.y.size - 1, int(np.searchsorted(line.x, place)))])
