"""Row charts as SVG text: estimates with their intervals, and groups of runs as dots."""

import math
from collections.abc import Iterable, Iterator, Sequence

from rlvitals.documents.charts import Axis, IntervalChart, Strips, axis
from rlvitals.formatting import number
from rlvitals.render.svg_primitives import LETTER, Scale, cut, element, placed, said, tick_text, written

ROW = 24
"""Height of a row."""

_TOP, _BOTTOM = 12, 26
_STRIP = 34
_NARROW = 420
_LABEL, _WIDE_LABEL = 150, 260
_VALUE, _WIDE_VALUE = 76, 230
_DOT = 7.0
"""Minimum distance of dots in a lane; closer dots are stacked."""
_LANES = (0.0, -5.0, 5.0, -10.0, 10.0, -2.5, 2.5, -7.5, 7.5, -12.5, 12.5)


def height_of(chart: IntervalChart | Strips) -> int:
    """Return the height that all rows need."""
    return len(chart.rows) * (ROW if isinstance(chart, IntervalChart) else _STRIP) + _TOP + _BOTTOM


def alternative(chart: Strips) -> str:
    """Return the text alternative of a drawing, with the result of each group."""
    return f"{chart.title}: {'; '.join(f'{row.label} {row.text}' for row in chart.rows)}"


def estimates(chart: IntervalChart, width: int, height: int) -> Iterator[str]:
    """Draw estimates with their intervals."""
    ends = [end for row in chart.rows for end in (row.value, row.low, row.high) if end is not None]
    ends += [] if chart.zero is None else [chart.zero]
    low, high = chart.limits or (min(ends, default=0.0), max(ends, default=1.0))
    whole_text = width > _NARROW
    texts = [row.text if whole_text else row.text.partition(" (")[0] for row in chart.rows]
    scale = _scale([row.label for row in chart.rows], texts, axis(low, high, ticks=4), width)
    yield from _frame(scale, height - _BOTTOM, chart.zero, share=chart.share)
    for place, (row, text) in enumerate(zip(chart.rows, texts, strict=True)):
        at = _TOP + ROW * (place + 0.5)
        tone = f" rv-tone-{said(row.tone)}" if row.tone else ""
        yield f'<g class="rv-row{tone}"><title>{said(f"{row.label}: {row.text}")}</title>'
        yield from _texts(scale, row.label, text, at, width)
        yield _interval(scale, row.low, row.high, at, "rv-interval")
        if row.value is not None:
            yield _point(scale, row.value, at, "rv-dot rv-dot-main", "4")
        yield "</g>"


def strips(chart: Strips, width: int, height: int) -> Iterator[str]:
    """Draw each group of runs as dots, with a tick at the mean and a bar for its interval."""
    along = axis(*chart.limits, ticks=4)
    scale = _scale([row.label for row in chart.rows], [row.text for row in chart.rows], along, width)
    yield from _frame(scale, height - _BOTTOM, chart.zero)
    for place, row in enumerate(chart.rows):
        at = _TOP + _STRIP * (place + 0.5)
        mean, low, high = row.mean
        kind = said(row.kind)
        yield f"<g><title>{said(f'{row.label}: {row.text}')}</title>"
        yield from _texts(scale, row.label, row.text, at, width)
        yield _interval(scale, low, high, at, f"rv-spread rv-spread-{kind}")
        if mean is not None and along.low <= mean <= along.high:
            yield element("path", f"rv-mean rv-mean-{kind}", d=f"M{placed(scale.at(mean))},{placed(at - 13)}v26")
        yield "</g>"
        lanes = _lanes([scale.at(value) for value in row.values])
        for value, name, lane in zip(row.values, row.names, lanes, strict=True):
            yield _point(scale, value, at + lane, f"rv-run rv-run-{kind}", "3.6", f"{name}: {number(value)}")
        edge = scale.end if chart.worst_is_high else scale.start
        for name, lane in zip(row.lost, _lanes([edge] * len(row.lost)), strict=True):
            cross = f"M{placed(edge - 4)},{placed(at + lane - 4)}l8,8m0,-8l-8,8"
            yield element("path", "rv-lost", f"{name}: no outcome, counts as worst", d=cross)


def _scale(labels: Sequence[str], texts: Sequence[str], along: Axis, width: int) -> Scale:
    """Return the scale of the values, between the labels on the left and the texts on the right."""
    label, value = (_LABEL, _VALUE) if width <= _NARROW else (_WIDE_LABEL, _WIDE_VALUE)
    left = min(label, 14 + max(map(len, labels), default=0) * LETTER)
    return Scale(along, left, width - min(value, max(_VALUE, 16 + max(map(len, texts), default=0) * LETTER)))


def _frame(scale: Scale, bottom: int, zero: float | None, *, share: bool = False) -> Iterator[str]:
    ticks = scale.axis.ticks
    yield element("path", "rv-grid", d="".join(f"M{placed(scale.at(tick))},{_TOP}V{bottom}" for tick in ticks))
    if zero is not None and scale.axis.low <= zero <= scale.axis.high:
        yield element("path", "rv-axis", d=f"M{placed(scale.at(zero))},{_TOP}V{bottom}")
    for tick in ticks:
        label = f"{100 * tick:.0f} %" if share else tick_text(tick, scale.axis)
        yield written(scale.at(tick), bottom + 15, label, "rv-tick", "middle")


def _texts(scale: Scale, label: str, text: str, at: float, width: int) -> Iterator[str]:
    yield written(scale.start - 8, at + 4, cut(label, scale.start), "rv-name", "end")
    yield written(scale.end + 10, at + 4, cut(text, width - scale.end), "rv-value")


def _interval(scale: Scale, low: float | None, high: float | None, at: float, kind: str) -> str:
    """Draw a bar between two ends. An end outside the axis gets an arrow."""
    if low is None or high is None or high < scale.axis.low or low > scale.axis.high:
        return ""
    bar = element("path", kind, d=f"M{placed(scale.at(low))},{placed(at)}H{placed(scale.at(high))}")
    arrows = ""
    if low < scale.axis.low:
        arrows += f"M{placed(scale.start + 5)},{placed(at - 4)}l-6,4l6,4"
    if high > scale.axis.high:
        arrows += f"M{placed(scale.end - 5)},{placed(at - 4)}l6,4l-6,4"
    return bar + (element("path", "rv-axis", d=arrows) if arrows else "")


def _point(scale: Scale, value: float, at: float, kind: str, radius: str, title: str = "") -> str:
    """Draw a dot, or an arrow at the edge for a value outside the axis."""
    if scale.axis.low <= value <= scale.axis.high:
        return element("circle", kind, title, cx=scale.at(value), cy=at, r=radius)
    x, tip = (scale.start + 1, "6,-4v8") if value < scale.axis.low else (scale.end - 1, "-6,-4v8")
    return element("path", kind, title, d=f"M{placed(x)},{placed(at)}l{tip}z")


def _lanes(places: Iterable[float]) -> list[float]:
    """Return the vertical offset of each dot, so that dots at the same position stay distinguishable."""
    taken = dict.fromkeys(_LANES, -math.inf)
    ordered = sorted(enumerate(places), key=lambda one: one[1])
    found = [0.0] * len(ordered)
    for at, x in ordered:
        lane = next((lane for lane in _LANES if x - taken[lane] >= _DOT), min(taken, key=taken.__getitem__))
        taken[lane] = x
        found[at] = lane
    return found
