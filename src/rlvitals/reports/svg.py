"""Charts as SVG text: nothing but numbers of ours and escaped texts, styled by classes, so that no script can run."""

import html
import math
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.reports.charts import Axis, Chart, Curve, Estimates, Floats, Heat, Line, axis, height_axis, place_axis
from rlvitals.words import number

STYLE = (files("rlvitals.reports") / "charts.css").read_text(encoding="utf-8")
"""What gives a chart its colours; light, and dark where that is preferred."""

WIDTH = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 10, 12, 26
_HOVERS = 48
_ROW = 24
_TITLE = 22
"""Height of the title of a drawing that is a file of its own."""
_LETTER = 6.2
"""Width of a letter, about."""
_BALL = 15
"""Width of the ball that a finding's number stands in."""
_LARGEST, _LEAST = 1e15, 1e-4
"""Beyond these, numbers are written with a power of ten."""
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
        case Curve():
            height = height or round(width * 0.46 if width <= WIDTH else 260)
            body = _curve(chart, width, height)
        case Estimates():
            height = height or len(chart.rows) * _ROW + _TOP + _BOTTOM
            body = _estimates(chart, width, height)
        case Heat():
            height = height or len(chart.rows) * _ROW + _TOP + 46
            body = _heat(chart, width, height)
    drawing = "".join(body)
    if standalone:
        drawing = f'{_text(10, 16, chart.title, "rv-title")}<g transform="translate(0,{_TITLE})">{drawing}</g>'
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
    over = Axis(low, high, ()) if high > low else Axis(low - 1, high + 1, ())
    step = (width - 4) / max(1, len(values) - 1)
    heights = np.array([math.nan if v is None else height - 3 - (height - 6) * over.share(v) for v in values])
    places = np.array([2 + step * at for at in range(len(values))])
    bad = "".join(
        f'<path class="rv-bad" d="M{_n(places[at])},1v5"/>'
        for at, value in enumerate(values)
        if value is not None and not math.isfinite(value)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rv-spark" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="from {number(known[0])} to {number(known[-1])}">'
        f'<path class="rv-main" d="{_path(places, heights)}"/>{bad}</svg>'
    )


def said(text: object) -> str:
    """A text, escaped for markup, also inside of attributes; without characters that XML forbids."""
    return html.escape("".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in str(text)))


def _alternative(chart: Chart) -> str:
    if not isinstance(chart, Curve):
        return chart.title
    heights = [line.y[np.isfinite(line.y)] for line in chart.lines if line.kind == "main"]
    main = heights[-1] if heights else np.empty(0)
    going = f", from {number(float(main[0]))} to {number(float(main[-1]))}" if main.size else ", no finite value"
    return f"{chart.title} by {chart.clock}{going}"


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


def _curve(chart: Curve, width: int, height: int) -> Iterator[str]:
    over, above, below = height_axis(chart, ticks=5)
    along = place_axis(chart, ticks=5 if width <= WIDTH else 8)
    top = _TOP + (12 if chart.marks else 0)
    plane = _Plane(along, over, _LEFT, width - _RIGHT, top, height - _BOTTOM)
    yield _healthy_zone(chart, plane)
    yield from _frame(plane, chart.clock)
    yield _band(chart, plane)
    for line in chart.lines:
        yield from _drawn(line, plane)
    yield from _bad(chart, plane)
    yield from _levels(chart, plane)
    yield from _marks(chart, plane)
    if above or below:
        beyond = [f"{many:,} {where}" for many, where in ((above, "above"), (below, "below")) if many]
        yield _text(plane.left + 4, top + 9, f"not shown: {', '.join(beyond)}", "rv-beyond")
    yield from _hovers(chart, plane)


def _healthy_zone(chart: Curve, plane: _Plane) -> str:
    if chart.healthy is None:
        return ""
    lowest, highest = chart.healthy
    up = plane.top if highest is None else plane.y(highest)
    down = plane.bottom if lowest is None else plane.y(lowest)
    if down <= up:
        return ""
    return (
        f'<rect class="rv-healthy" x="{plane.left}" y="{_n(up)}" width="{plane.right - plane.left}" '
        f'height="{_n(down - up)}"><title>healthy: {said(_healthy(lowest, highest))}</title></rect>'
    )


def _frame(plane: _Plane, clock: str) -> Iterator[str]:
    left, right, bottom = plane.left, plane.right, plane.bottom
    yield f'<path class="rv-grid" d="{"".join(f"M{left},{_n(plane.y(tick))}H{right}" for tick in plane.over.ticks)}"/>'
    yield f'<path class="rv-axis" d="M{left},{bottom}H{right}"/>'
    for tick in plane.over.ticks:
        yield _text(left - 6, plane.y(tick) + 3.5, tick_text(tick, plane.over), "rv-tick", "end")
    room = (right - left) / (_LETTER * 8)
    for tick in plane.along.ticks[:: max(1, math.ceil(len(plane.along.ticks) / room))]:
        if plane.x(tick) < right - _LETTER * (len(clock) + 2):
            yield _text(plane.x(tick), bottom + 15, tick_text(tick, plane.along), "rv-tick", "middle")
    yield _text(right, bottom + 15, clock, "rv-clock", "end")


def _band(chart: Curve, plane: _Plane) -> str:
    band = chart.band
    if band is None or band.x.size < 2:  # noqa: PLR2004 - one edge is no band
        return ""
    upper = zip(band.x.tolist(), band.high.tolist(), strict=True)
    lower = zip(band.x[::-1].tolist(), band.low[::-1].tolist(), strict=True)
    edge = " ".join(f"{_n(plane.x(place))},{_n(plane.y(height))}" for place, height in (*upper, *lower))
    return f'<path class="rv-band" d="M{edge}Z"/>'


def _drawn(line: Line, plane: _Plane) -> Iterator[str]:
    places = np.array([plane.x(place) if math.isfinite(place) else math.nan for place in line.x.tolist()])
    heights = np.array([plane.y(value) if math.isfinite(value) else math.nan for value in line.y.tolist()])
    yield f'<path class="rv-{line.kind}" d="{_path(places, heights)}"/>'
    dotted = np.isfinite(heights) if line.dots else _lonely(heights)
    for x, y in zip(places[dotted].tolist(), heights[dotted].tolist(), strict=True):
        yield f'<circle class="rv-dot rv-dot-{line.kind}" cx="{_n(x)}" cy="{_n(y)}" r="2.4"/>'


def _bad(chart: Curve, plane: _Plane) -> Iterator[str]:
    for bad in chart.bad:
        at = plane.bottom if bad.kind == "negative" else plane.top
        ticks = "".join(f"M{_n(plane.x(place))},{at - 4}v8" for place in bad.x.tolist())
        yield f'<path class="rv-bad" d="{ticks}"><title>{_KINDS[bad.kind]}</title></path>'


def _levels(chart: Curve, plane: _Plane) -> Iterator[str]:
    for level in chart.levels:
        if plane.over.low <= level.y <= plane.over.high:
            y = plane.y(level.y)
            yield f'<path class="rv-level rv-level-{level.kind}" d="M{plane.left},{_n(y)}H{plane.right}"/>'
            yield _text(plane.right - 2, y - 4, level.label, "rv-level-text", "end")


def _marks(chart: Curve, plane: _Plane) -> Iterator[str]:
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
            f'<path d="M{_n(x)},{plane.top - 4}V{plane.bottom}"/><circle cx="{_n(at)}" cy="{plane.top - 8}" r="7"/>'
            f"{_text(at, plane.top - 4.5, mark.label, 'rv-ball', 'middle')}</g>"
        )


def _hovers(chart: Curve, plane: _Plane) -> Iterator[str]:
    """Invisible columns that say the values when the pointer rests on them: a page without scripts has no other way."""
    mains = [line for line in chart.lines if line.kind in {"main", "other"} and line.x.size]
    if not mains:
        return
    main = mains[0]
    chosen = np.unique(np.linspace(0, main.x.size - 1, min(main.x.size, _HOVERS)).round().astype(int))
    middles = [plane.x(float(place)) for place in main.x[chosen]]
    borders = [float(plane.left), *((a + b) / 2 for a, b in pairwise(middles)), float(plane.right)]
    for at, (begin, end) in zip(chosen.tolist(), pairwise(borders), strict=True):
        if end > begin:
            values = [f"{line.label or chart.title}: {number(_at(line, float(main.x[at])))}" for line in mains]
            text = "\n".join([f"{chart.clock} {number(float(main.x[at]))}", *values])
            yield (
                f'<rect class="rv-hover" x="{_n(begin)}" y="{plane.top}" width="{_n(end - begin)}" '
                f'height="{plane.bottom - plane.top}"><title>{said(text)}</title></rect>'
            )


def _at(line: Line, place: float) -> float:
    return float(line.y[min(line.y.size - 1, int(np.searchsorted(line.x, place)))])


def _estimates(chart: Estimates, width: int, height: int) -> Iterator[str]:
    left = min(150, 14 + max((len(row.label) for row in chart.rows), default=0) * _LETTER)
    right, bottom = width - 76, height - _BOTTOM
    ends = [end for row in chart.rows for end in (row.value, row.low, row.high) if end is not None]
    ends += [] if chart.zero is None else [chart.zero]
    low, high = chart.limits or (min(ends, default=0.0), max(ends, default=1.0))
    along = axis(low, high, ticks=4)

    def x(value: float) -> float:
        return left + (right - left) * min(1.0, max(0.0, along.share(value)))

    grid = "".join(f"M{_n(x(tick))},{_TOP}V{bottom}" for tick in along.ticks)
    yield f'<path class="rv-grid" d="{grid}"/>'
    if chart.zero is not None:
        yield f'<path class="rv-axis" d="M{_n(x(chart.zero))},{_TOP}V{bottom}"/>'
    for tick in along.ticks:
        label = f"{100 * tick:.0f} %" if chart.share else tick_text(tick, along)
        yield _text(x(tick), bottom + 15, label, "rv-tick", "middle")
    for row_place, row in enumerate(chart.rows):
        at = _TOP + _ROW * (row_place + 0.5)
        yield f"<g><title>{said(f'{row.label}: {row.text}')}</title>"
        yield _text(left - 8, at + 4, _cut(row.label, left), "rv-name", "end")
        if row.low is not None and row.high is not None:
            yield f'<path class="rv-interval" d="M{_n(x(row.low))},{_n(at)}H{_n(x(row.high))}"/>'
        if row.value is not None:
            yield f'<circle class="rv-dot rv-dot-main" cx="{_n(x(row.value))}" cy="{_n(at)}" r="4"/>'
        yield _text(right + 10, at + 4, row.text.partition(" (")[0], "rv-value")
        yield "</g>"


def _heat(chart: Heat, width: int, height: int) -> Iterator[str]:
    left, right, bottom = 76, width - 8, height - 46
    wide, high = (right - left) / max(1, len(chart.columns)), (bottom - _TOP) / max(1, len(chart.rows))
    finite = chart.means[np.isfinite(chart.means)]
    over = axis(float(finite.min()), float(finite.max())) if finite.size else axis(0.0, 1.0)
    for place, name in enumerate(chart.rows):
        yield _text(left - 6, bottom - high * (place + 0.5) + 4, _cut(name, left), "rv-tick", "end")
        for at, column in enumerate(chart.columns):
            mean, many = float(chart.means[place, at]), int(chart.counts[place, at])
            text = f"{chart.x} {column}, {chart.y} {name}: {number(mean) if many else 'not tried'}, {many:,} episodes"
            known = math.isfinite(mean)
            shade = f' fill-opacity="{0.08 + 0.92 * over.share(mean):.2f}"' if known else ""
            yield (
                f'<rect class="{"rv-cell" if known else "rv-untried"}"{shade} x="{_n(left + wide * at)}" '
                f'y="{_n(bottom - high * (place + 1))}" width="{_n(wide - 1)}" height="{_n(high - 1)}">'
                f"<title>{said(text)}</title></rect>"
            )
    every = max(1, math.ceil(len(chart.columns) * 46 / (right - left)))
    for at, column in enumerate(chart.columns):
        if at % every == 0:
            yield _text(left + wide * (at + 0.5), bottom + 15, _cut(column, 60), "rv-tick", "middle")
    yield _text((left + right) / 2, bottom + 34, f"{chart.x} (across), {chart.y} (up)", "rv-clock", "middle")


def tick_text(value: float, of: Axis) -> str:
    """What stands at a tick: short, and with no more digits than the step needs."""
    step = of.ticks[1] - of.ticks[0] if len(of.ticks) > 1 else abs(value) or 1.0
    size = max(abs(of.low), abs(of.high))
    for unit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if unit <= size < _LARGEST and size >= (10_000 if letter == "k" else unit):
            return _trimmed(value / unit, step / unit) + (letter if value else "")
    if not _LEAST <= size < _LARGEST and value:
        return f"{value:.3g}"
    return _trimmed(value, step)


def _trimmed(value: float, step: float) -> str:
    digits = max(0, min(12, -math.floor(math.log10(step) + 1e-9) + (1 if _is_quarter(step) else 0)))
    text = f"{value:,.{digits}f}"
    return "0" if float(text.replace(",", "")) == 0 else text


def _is_quarter(step: float) -> bool:
    first = step / 10 ** math.floor(math.log10(step) + 1e-9)
    return bool(abs(first - 2.5) < 0.01)  # noqa: PLR2004 - the one step of two digits


def _healthy(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at most {number(high)}" if low is None else f"at least {number(low)}"
    return f"{number(low)} to {number(high)}"


def _path(places: Floats, heights: Floats) -> str:
    """The line through points; a point without a place or a height breaks it."""
    parts: list[str] = []
    pen_down = False
    for x, y in zip(places.tolist(), heights.tolist(), strict=True):
        if math.isfinite(x) and math.isfinite(y):
            parts.append(f"{'L' if pen_down else 'M'}{_n(x)},{_n(y)}")
            pen_down = True
        else:
            pen_down = False
    return "".join(parts)


def _lonely(heights: Floats) -> NDArray[np.bool_]:
    """Points without a neighbour, which a line does not show."""
    there = np.isfinite(heights)
    beside = np.zeros_like(there)
    beside[1:] |= there[:-1]
    beside[:-1] |= there[1:]
    return there & ~beside


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="rv-text {kind}" x="{_n(x)}" y="{_n(y)}"{where}>{said(text)}</text>'


def _cut(text: str, room: float) -> str:
    most = max(3, int(room / _LETTER) - 1)
    return text if len(text) <= most else text[: most - 1] + "\u2026"


def _n(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
