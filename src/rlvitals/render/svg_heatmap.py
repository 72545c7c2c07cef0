"""Heat maps of means over two parameters, with a legend that works in light and dark colours."""

import math
from collections.abc import Iterator

import numpy as np

from rlvitals.documents.charts import Axis, Heat, axis
from rlvitals.formatting import number
from rlvitals.render.svg_intervals import ROW
from rlvitals.render.svg_primitives import cut, element, placed, written

_TOP, _BELOW = 12, 72
_HATCH = 6
_RAMP, _SWATCH = 5, 14
_FAINTEST = 0.12


def height_of(chart: Heat) -> int:
    """Return the height that the rows, the axis and the legend need."""
    return len(chart.rows) * ROW + _TOP + _BELOW


def cells(chart: Heat, width: int, height: int) -> Iterator[str]:
    """Draw the mean of each cell as a shade. Cells without episodes are hatched."""
    left, right, bottom = 76, width - 8, height - _BELOW
    wide, high = (right - left) / max(1, len(chart.columns)), (bottom - _TOP) / max(1, len(chart.rows))
    finite = chart.means[np.isfinite(chart.means)]
    over = axis(float(finite.min()), float(finite.max())) if finite.size else None
    for place, name in enumerate(chart.rows):
        yield written(left - 6, bottom - high * (place + 0.5) + 4, cut(name, left), "rv-tick", "end")
        for at, column in enumerate(chart.columns):
            mean, many = float(chart.means[place, at]), int(chart.counts[place, at])
            text = f"{chart.x} {column}, {chart.y} {name}: {number(mean) if many else 'not tried'}, {many:,} episodes"
            share = over.share(mean) if over is not None and math.isfinite(mean) else None
            yield _cell(left + wide * at, bottom - high * (place + 1), wide - 1, high - 1, share, text)
    every = max(1, math.ceil(len(chart.columns) * 46 / (right - left)))
    for at, column in enumerate(chart.columns):
        if at % every == 0:
            yield written(left + wide * (at + 0.5), bottom + 15, cut(column, 60), "rv-tick", "middle")
    yield written(
        (left + right) / 2, bottom + 34, f"{chart.x} (horizontal), {chart.y} (vertical)", "rv-clock", "middle"
    )
    yield from _key(over, left, bottom + 50, untried=bool((chart.counts == 0).any()))


def _key(over: Axis | None, left: float, top: float, *, untried: bool) -> Iterator[str]:
    """Draw the shades from the lowest to the highest mean. Which end is darker depends on the colour scheme."""
    x, down = left, top + _SWATCH - 3
    if over is not None:
        low, high = number(over.low, 3), number(over.high, 3)
        yield written(x, down, low, "rv-tick")
        x += _room(low)
        for step in range(_RAMP):
            yield _cell(x, top, _SWATCH, _SWATCH, step / (_RAMP - 1))
            x += _SWATCH
        yield written(x + 6, down, high, "rv-tick")
        x += _room(high) + 16
    if untried:
        yield _cell(x, top, _SWATCH, _SWATCH, None)
        yield written(x + _SWATCH + 6, down, "not tried", "rv-tick")


def _room(text: str) -> float:
    return len(text) * 6.0 + 6


def _cell(x: float, y: float, wide: float, high: float, share: float | None, text: str = "") -> str:
    """Draw a cell, hatched if `share` is `None`."""
    place = {"x": x, "y": y, "width": wide, "height": high}
    if share is None:
        hatch = element("path", "rv-hatch", d=_hatched(x, y, wide, high))
        return hatch + element("rect", "rv-untried", text, **place)
    return element("rect", "rv-cell", text, fill_opacity=f"{_FAINTEST + (1 - _FAINTEST) * share:.2f}", **place)


def _hatched(x: float, y: float, wide: float, high: float) -> str:
    """Return slanted lines clipped at the edges of the cell. An SVG pattern would need an id unique on the page."""
    return "".join(
        f"M{placed(x + min(at, wide))},{placed(y + max(0.0, at - wide))}"
        f"L{placed(x + max(0.0, at - high))},{placed(y + min(at, high))}"
        for at in range(_HATCH // 2, int(wide + high), _HATCH)
    )
