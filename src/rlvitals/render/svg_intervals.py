"""Drawings of rows, one under another, as SVG text: estimates with their intervals, and groups of runs as dots."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rlvitals.documents.charts import Axis, IntervalChart, Strips, axis
from rlvitals.formatting import number
from rlvitals.render.svg_primitives import LETTER, cut, placed, said, tick_text, written

ROW = 24
"""Height of a row."""

_TOP, _BOTTOM = 12, 26
_STRIP = 34
_NARROW = 420
_LABEL, _WIDE_LABEL = 150, 260
_VALUE, _WIDE_VALUE = 76, 230
_DOT = 7.0
"""Dots nearer than this stand above each other."""
_LANES = (0.0, -5.0, 5.0, -10.0, 10.0, -2.5, 2.5, -7.5, 7.5, -12.5, 12.5)


class _Scale(NamedTuple):
    """Where the drawing's values stand between its labels and its texts."""

    along: Axis
    left: float
    right: float
    bottom: float

    def x(self, value: float) -> float:
        """How far from the left a value is; what lies beyond the axis is drawn at its end."""
        return self.left + (self.right - self.left) * min(1.0, max(0.0, self.along.share(value)))


def height_of(chart: IntervalChart | Strips) -> int:
    """How high a drawing is that holds all its rows."""
    return len(chart.rows) * (ROW if isinstance(chart, IntervalChart) else _STRIP) + _TOP + _BOTTOM


def alternative(chart: Strips) -> str:
    """The drawing in words: what each group came to."""
    return f"{chart.title}: {'; '.join(f'{row.label} {row.text}' for row in chart.rows)}"


def estimates(chart: IntervalChart, width: int, height: int) -> Iterator[str]:
    """Draw estimates with their intervals.

    Args:
        chart: The estimates.
        width: Of the drawing.
        height: Likewise.
    """
    ends = [end for row in chart.rows for end in (row.value, row.low, row.high) if end is not None]
    ends += [] if chart.zero is None else [chart.zero]
    low, high = chart.limits or (min(ends, default=0.0), max(ends, default=1.0))
    whole_text = width > _NARROW
    texts = [row.text if whole_text else row.text.partition(" (")[0] for row in chart.rows]
    scale = _scale([row.label for row in chart.rows], texts, axis(low, high, ticks=4), width, height)
    yield from _frame(scale, chart.zero, share=chart.share)
    for place, (row, text) in enumerate(zip(chart.rows, texts, strict=True)):
        at = _TOP + ROW * (place + 0.5)
        tone = f" rv-tone-{said(row.tone)}" if row.tone else ""
        yield f'<g class="rv-row{tone}"><title>{said(f"{row.label}: {row.text}")}</title>'
        yield written(scale.left - 8, at + 4, cut(row.label, scale.left), "rv-name", "end")
        yield _interval(scale, row.low, row.high, at, "rv-interval")
        arrow = "" if row.value is None else _beyond(scale, row.value, at)
        if arrow:
            yield f'<path class="rv-dot rv-dot-main" d="{arrow}"/>'
        elif row.value is not None:
            yield f'<circle class="rv-dot rv-dot-main" cx="{placed(scale.x(row.value))}" cy="{placed(at)}" r="4"/>'
        yield written(scale.right + 10, at + 4, cut(text, width - scale.right), "rv-value")
        yield "</g>"


def strips(chart: Strips, width: int, height: int) -> Iterator[str]:
    """Draw groups of runs, a dot each; beside them a tick at their mean, on the bar of its interval.

    Args:
        chart: The groups.
        width: Of the drawing.
        height: Likewise.
    """
    along = axis(*chart.limits, ticks=4)
    scale = _scale([row.label for row in chart.rows], [row.text for row in chart.rows], along, width, height)
    yield from _frame(scale, chart.zero)
    for place, row in enumerate(chart.rows):
        at = _TOP + _STRIP * (place + 0.5)
        mean, low, high = row.mean
        kind = said(row.kind)
        yield f"<g><title>{said(f'{row.label}: {row.text}')}</title>"
        yield written(scale.left - 8, at + 4, cut(row.label, scale.left), "rv-name", "end")
        yield written(scale.right + 10, at + 4, cut(row.text, width - scale.right), "rv-value")
        yield _interval(scale, low, high, at, f"rv-spread rv-spread-{kind}")
        if mean is not None and not _beyond(scale, mean, at):
            yield f'<path class="rv-mean rv-mean-{kind}" d="M{placed(scale.x(mean))},{placed(at - 13)}v26"/>'
        yield "</g>"
        lanes = _lanes([scale.x(value) for value in row.values])
        for value, name, lane in zip(row.values, row.names, lanes, strict=True):
            arrow = _beyond(scale, value, at + lane)
            where = f'cx="{placed(scale.x(value))}" cy="{placed(at + lane)}" r="3.6"'
            mark = (
                f'path class="rv-run rv-run-{kind}" d="{arrow}"'
                if arrow
                else f'circle class="rv-run rv-run-{kind}" {where}'
            )
            yield f"<{mark}><title>{said(f'{name}: {number(value)}')}</title></{mark.partition(' ')[0]}>"
        edge = scale.right if chart.worst_is_high else scale.left
        for name, lane in zip(row.lost, _lanes([edge] * len(row.lost)), strict=True):
            yield (
                f'<path class="rv-lost" d="M{placed(edge - 4)},{placed(at + lane - 4)}l8,8m0,-8l-8,8">'
                f"<title>{said(f'{name}: no outcome, counts as worst')}</title></path>"
            )


def _scale(labels: Sequence[str], texts: Sequence[str], along: Axis, width: int, height: int) -> _Scale:
    label, value = (_LABEL, _VALUE) if width <= _NARROW else (_WIDE_LABEL, _WIDE_VALUE)
    left = min(label, 14 + max(map(len, labels), default=0) * LETTER)
    right = width - min(value, max(_VALUE, 16 + max(map(len, texts), default=0) * LETTER))
    return _Scale(along, left, right, height - _BOTTOM)


def _frame(scale: _Scale, zero: float | None, *, share: bool = False) -> Iterator[str]:
    grid = "".join(f"M{placed(scale.x(tick))},{_TOP}V{placed(scale.bottom)}" for tick in scale.along.ticks)
    yield f'<path class="rv-grid" d="{grid}"/>'
    if zero is not None and scale.along.low <= zero <= scale.along.high:
        yield f'<path class="rv-axis" d="M{placed(scale.x(zero))},{_TOP}V{placed(scale.bottom)}"/>'
    for tick in scale.along.ticks:
        label = f"{100 * tick:.0f} %" if share else tick_text(tick, scale.along)
        yield written(scale.x(tick), scale.bottom + 15, label, "rv-tick", "middle")


def _interval(scale: _Scale, low: float | None, high: float | None, at: float, kind: str) -> str:
    """A bar from end to end; an end that lies outside of the drawing has an arrow."""
    if low is None or high is None or high < scale.along.low or low > scale.along.high:
        return ""
    bar = f'<path class="{kind}" d="M{placed(scale.x(low))},{placed(at)}H{placed(scale.x(high))}"/>'
    arrows = ""
    if low < scale.along.low:
        arrows += f"M{placed(scale.left + 5)},{placed(at - 4)}l-6,4l6,4"
    if high > scale.along.high:
        arrows += f"M{placed(scale.right - 5)},{placed(at - 4)}l6,4l-6,4"
    return bar + (f'<path class="rv-axis" d="{arrows}"/>' if arrows else "")


def _beyond(scale: _Scale, value: float, at: float) -> str:
    """An arrow at the edge, for a value that lies outside of the drawing; empty for one that does not."""
    if scale.along.low <= value <= scale.along.high:
        return ""
    left = value < scale.along.low
    return f"M{placed(scale.left + 1 if left else scale.right - 1)},{placed(at)}l{'6,-4v8' if left else '-6,-4v8'}z"


def _lanes(places: Iterable[float]) -> list[float]:
    """How far above or below its row each dot stands, so that dots at one place are seen as several."""
    taken = dict.fromkeys(_LANES, -math.inf)
    ordered = sorted(enumerate(places), key=lambda one: one[1])
    found = [0.0] * len(ordered)
    for at, x in ordered:
        lane = next((lane for lane in _LANES if x - taken[lane] >= _DOT), min(taken, key=taken.__getitem__))
        taken[lane] = x
        found[at] = lane
    return found
