"""Charts as SVG text: nothing but numbers of ours and escaped texts, styled by classes, so that no script can run."""

import math
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
    place_axis,
)
from rlvitals.formatting import ABSENT, number
from rlvitals.render import svg_heatmap, svg_intervals
from rlvitals.render.svg_primitives import LETTER, lonely, path, placed, said, tick_text, written

STYLE = (files("rlvitals.render") / "charts.css").read_text(encoding="utf-8")
"""What gives a chart its colours; light, and dark where that is preferred."""

WIDTH = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 10, 12, 26
_HOVERS = 48
_TITLE = 22
"""Height of the title of a drawing that is a file of its own."""
_BALL = 15
"""Width of the ball that a finding's number stands in."""
_BELOW, _GAP = 52, 16
"""Height of the scale of runs below a curve, and the room above it."""
_BAR = 1.5
"""Half the width of a band at one place alone."""
_NOTHING = "no finite value"
_KINDS = {"nan": "NaN", "positive": "Infinity", "negative": "-Infinity"}


def draw(chart: Chart, *, width: int = WIDTH, height: int | None = None, standalone: bool = False) -> str:
    """Draw a chart.

    Args:
        chart: The chart.
        width: Of the drawing, in units of which a letter is 11 high.
        height: Likewise; by default what suits.
        standalone: Whether it brings its own style and background, to be a file of its own.
    """
    match chart:
        case CurveChart():
            height = height or round(width * 0.46 if width <= WIDTH else 260) + (_BELOW if chart.below else 0)
            body = _curve(chart, width, height)
        case IntervalChart():
            height = height or svg_intervals.height_of(chart)
            body = svg_intervals.estimates(chart, width, height)
        case Strips():
            height = height or svg_intervals.height_of(chart)
            body = svg_intervals.strips(chart, width, height)
        case Heat():
            height = height or svg_heatmap.height_of(chart)
            body = svg_heatmap.cells(chart, width, height)
    drawing = "".join(body)
    if standalone:
        drawing = f'{written(10, 16, chart.title, "rv-title")}<g transform="translate(0,{_TITLE})">{drawing}</g>'
        height += _TITLE
    style = f"<style>{STYLE}</style>" if standalone else ""
    paper = f'<rect class="rv-paper" width="{width}" height="{height}"/>' if standalone else ""
    size = f' width="{width}" height="{height}"' if standalone else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rv-chart"{size} viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{said(_alternative(chart))}">{style}{paper}{drawing}</svg>'
    )


def spark(values: Sequence[float | None], *, width: int = 120, height: int = 24) -> str:
    """A curve in the size of a word; where a value is not finite there is a tick at the top."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not values or not known:
        return '<span class="rv-none">-</span>'
    low, high = min(known), max(known)
    over = Axis(low, high, ())
    step = (width - 4) / max(1, len(values) - 1)
    heights = np.array([math.nan if v is None else height - 3 - (height - 6) * over.share(v) for v in values])
    places = np.array([2 + step * at for at in range(len(values))])
    bad = "".join(
        f'<path class="rv-bad" d="M{placed(places[at])},1v5"/>'
        for at, value in enumerate(values)
        if value is not None and not math.isfinite(value)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rv-spark" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="from {number(known[0])} to {number(known[-1])}">'
        f'<path class="rv-main" d="{path(places, heights)}"/>{bad}</svg>'
    )


def _alternative(chart: Chart) -> str:
    if not isinstance(chart, CurveChart):
        return svg_intervals.alternative(chart) if isinstance(chart, Strips) else chart.title
    grouped = [line for line in chart.lines if line.kind in GROUPS]
    if grouped:
        ends = [f"{line.label} {_going(line)}" for line in grouped]
        return f"{chart.title} by {chart.clock}: {'; '.join(ends)}"
    mains = [line for line in chart.lines if line.kind == "main"]
    return f"{chart.title} by {chart.clock}, {_going(mains[-1]) if mains else _NOTHING}"


def _going(line: Line) -> str:
    known = line.y[np.isfinite(line.y)]
    return f"from {number(float(known[0]))} to {number(float(known[-1]))}" if known.size else _NOTHING


class _Plane(NamedTuple):
    """Where things stand on a drawing: both axes, and the edges in its units."""

    along: Axis
    over: Axis
    left: int
    right: int
    top: int
    bottom: int

    def x(self, place: float) -> float:
        """How far from the left a place is."""
        return self.left + (self.right - self.left) * self.along.share(place)

    def y(self, height: float) -> float:
        """How far from the top a height is; what lies beyond the axis is drawn at its end."""
        return self.bottom - (self.bottom - self.top) * min(1.0, max(0.0, self.over.share(height)))


def _curve(chart: CurveChart, width: int, height: int) -> Iterator[str]:
    over, above, below = height_axis(chart, ticks=5)
    along = place_axis(chart, ticks=5 if width <= WIDTH else 8)
    top = _TOP + (12 if chart.marks else 0)
    foot = height - _BOTTOM
    plane = _Plane(along, over, _LEFT, width - _RIGHT, top, foot - (_BELOW if chart.below else 0))
    yield _healthy_zone(chart, plane)
    yield from _frame(plane, chart.clock, foot)
    yield from _below(chart, plane, foot)
    yield from (_band(band, plane) for band in chart.bands)
    for line in chart.lines:
        yield from _drawn(line, plane)
    yield from _bad(chart, plane)
    yield from _levels(chart, plane)
    yield from _marks(chart, plane)
    if above or below:
        beyond = [f"{many:,} {where}" for many, where in ((above, "above"), (below, "below")) if many]
        yield written(plane.left + 4, top + 9, f"not shown: {', '.join(beyond)}", "rv-beyond")
    yield from _hovers(chart, plane)


def _healthy_zone(chart: CurveChart, plane: _Plane) -> str:
    if chart.healthy is None:
        return ""
    lowest, highest = chart.healthy
    up = plane.top if highest is None else plane.y(highest)
    down = plane.bottom if lowest is None else plane.y(lowest)
    if down <= up:
        return ""
    return (
        f'<rect class="rv-healthy" x="{plane.left}" y="{placed(up)}" width="{plane.right - plane.left}" '
        f'height="{placed(down - up)}"><title>healthy: {said(_healthy(lowest, highest))}</title></rect>'
    )


def _frame(plane: _Plane, clock: str, foot: int) -> Iterator[str]:
    left, right, bottom = plane.left, plane.right, plane.bottom
    grid = "".join(f"M{left},{placed(plane.y(tick))}H{right}" for tick in plane.over.ticks)
    yield f'<path class="rv-grid" d="{grid}"/>'
    yield f'<path class="rv-axis" d="M{left},{bottom}H{right}"/>'
    for tick in plane.over.ticks:
        yield written(left - 6, plane.y(tick) + 3.5, tick_text(tick, plane.over), "rv-tick", "end")
    room = (right - left) / (LETTER * 8)
    for tick in plane.along.ticks[:: max(1, math.ceil(len(plane.along.ticks) / room))]:
        if plane.x(tick) < right - LETTER * (len(clock) + 2):
            yield written(plane.x(tick), foot + 15, tick_text(tick, plane.along), "rv-tick", "middle")
    yield written(right, foot + 15, clock, "rv-clock", "end")


def _band(band: Band, plane: _Plane) -> str:
    known = np.isfinite(band.x) & np.isfinite(band.low) & np.isfinite(band.high)
    parts = np.split(np.arange(known.size), np.flatnonzero(np.diff(known)) + 1)
    edges = [_edge(band, part, plane) for part in parts if part.size and known[part[0]]]
    return f'<path class="rv-band rv-band-{said(band.kind)}" d="{"".join(edges)}"/>' if edges else ""


def _below(chart: CurveChart, plane: _Plane, foot: int) -> Iterator[str]:
    """How many runs stand behind each line, as steps on a scale of their own."""
    if not chart.below:
        return
    most = max((float(line.y.max()) for line in chart.below if line.y.size), default=0.0)
    scale = _Plane(plane.along, Axis(0.0, most or 1.0, ()), plane.left, plane.right, plane.bottom + _GAP, foot)
    yield f'<path class="rv-axis" d="M{plane.left},{foot}H{plane.right}"/>'
    yield written(plane.left - 6, scale.top + 6, f"{most:.0f}", "rv-tick", "end")
    yield written(plane.left - 6, foot + 1, "0 runs", "rv-tick", "end")
    for place, line in enumerate(chart.below):
        # Groups of equal size would hide each other: each is a hair above the last.
        heights = [scale.y(float(many)) - 1.5 * place for many in line.y]
        edges = zip([plane.left, *(placed(plane.x(float(at))) for at in line.x)][:-1], heights, strict=False)
        steps = "".join(f"{'H' if at else 'M'}{x}{'V' if at else ','}{placed(y)}" for at, (x, y) in enumerate(edges))
        if steps:
            yield f'<path class="rv-{line.kind} rv-steps" d="{steps}H{placed(plane.x(float(line.x[-1])))}"/>'


def _edge(band: Band, part: NDArray[np.int64], plane: _Plane) -> str:
    x, low, high = (
        [scale(float(value)) for value in side[part]]
        for scale, side in ((plane.x, band.x), (plane.y, band.low), (plane.y, band.high))
    )
    if len(x) == 1:  # a place without neighbours has a bar
        x, low, high = [x[0] - _BAR, x[0] + _BAR], low * 2, high * 2
    corners = (*zip(x, high, strict=True), *zip(x[::-1], low[::-1], strict=True))
    return f"M{' '.join(f'{placed(at)},{placed(height)}' for at, height in corners)}Z"


def _drawn(line: Line, plane: _Plane) -> Iterator[str]:
    places = np.array([plane.x(place) if math.isfinite(place) else math.nan for place in line.x.tolist()])
    heights = np.array([plane.y(value) if math.isfinite(value) else math.nan for value in line.y.tolist()])
    yield f'<path class="rv-{line.kind}" d="{path(places, heights)}"/>'
    dotted = np.isfinite(heights) if line.dots else lonely(heights)
    for x, y in zip(places[dotted].tolist(), heights[dotted].tolist(), strict=True):
        yield f'<circle class="rv-dot rv-dot-{line.kind}" cx="{placed(x)}" cy="{placed(y)}" r="2.4"/>'


def _bad(chart: CurveChart, plane: _Plane) -> Iterator[str]:
    for bad in chart.bad:
        at = plane.bottom if bad.kind == "negative" else plane.top
        ticks = "".join(f"M{placed(plane.x(place))},{at - 4}v8" for place in bad.x.tolist())
        yield f'<path class="rv-bad" d="{ticks}"><title>{_KINDS[bad.kind]}</title></path>'


def _levels(chart: CurveChart, plane: _Plane) -> Iterator[str]:
    for level in chart.levels:
        if plane.over.low <= level.y <= plane.over.high:
            y = plane.y(level.y)
            yield f'<path class="rv-level rv-level-{level.kind}" d="M{plane.left},{placed(y)}H{plane.right}"/>'
            yield written(plane.right - 2, y - 4, level.label, "rv-level-text", "end")


def _marks(chart: CurveChart, plane: _Plane) -> Iterator[str]:
    taken: list[float] = []
    for mark in sorted(chart.marks, key=lambda mark: mark.x):
        if not plane.along.low <= mark.x <= plane.along.high:
            continue
        x, at = plane.x(mark.x), plane.x(mark.x)
        while any(abs(at - other) < _BALL for other in taken):  # findings that began together stand side by side
            at += _BALL
        taken.append(at)
        yield (
            f'<g class="rv-mark rv-{said(mark.severity)}"><title>{said(mark.text)}</title>'
            f'<path d="M{placed(x)},{plane.top - 4}V{plane.bottom}"/>'
            f'<circle cx="{placed(at)}" cy="{plane.top - 8}" r="7"/>'
            f"{written(at, plane.top - 4.5, mark.label, 'rv-ball', 'middle')}</g>"
        )


def _hovers(chart: CurveChart, plane: _Plane) -> Iterator[str]:
    """Invisible columns that say the values when the pointer rests on them: a page without scripts has no other way."""
    mains = [line for line in chart.lines if line.kind in {"main", "other", *GROUPS} and line.x.size]
    runs = {line.kind: line for line in chart.below}
    if not mains:
        return
    main = mains[0]
    chosen = np.unique(np.linspace(0, main.x.size - 1, min(main.x.size, _HOVERS)).round().astype(int))
    middles = [plane.x(float(place)) for place in main.x[chosen]]
    borders = [float(plane.left), *((a + b) / 2 for a, b in pairwise(middles)), float(plane.right)]
    for at, (begin, end) in zip(chosen.tolist(), pairwise(borders), strict=True):
        if end > begin:
            values = [_said_at(line, float(main.x[at]), runs.get(line.kind), chart.title) for line in mains]
            text = "\n".join([f"{chart.clock} {number(float(main.x[at]))}", *values])
            yield (
                f'<rect class="rv-hover" x="{placed(begin)}" y="{plane.top}" width="{placed(end - begin)}" '
                f'height="{plane.bottom - plane.top}"><title>{said(text)}</title></rect>'
            )


def _said_at(line: Line, place: float, runs: Line | None, title: str) -> str:
    value = _at(line, place)
    if runs is None:
        return f"{line.label or title}: {number(value)}"
    many = int(_at(runs, place))
    return f"{line.label}: {number(value) if many else ABSENT} ({many} {'run' if many == 1 else 'runs'})"


def _at(line: Line, place: float) -> float:
    return float(line.y[min(line.y.size - 1, int(np.searchsorted(line.x, place)))])


def _healthy(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at most {number(high)}" if low is None else f"at least {number(low)}"
    return f"{number(low)} to {number(high)}"
