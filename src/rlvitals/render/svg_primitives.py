"""Building blocks of SVG drawings: elements, escaped texts, coordinates, lines with gaps and tick labels."""

import html
import math
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.documents.charts import Axis, Floats
from rlvitals.text_escaping import escape_control

LETTER = 6.2
"""Approximate width of a character."""

_LARGEST, _LEAST = 1e15, 1e-4
"""Numbers outside this range are written with a power of ten."""


class Scale(NamedTuple):
    """An axis of a drawing, with its low end at `start` and its high end at `end`."""

    axis: Axis
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the coordinate of a value, clipped to the ends of the axis."""
        return self.start + (self.end - self.start) * min(1.0, max(0.0, self.axis.share(value)))


def element(tag: str, kind: str, title: str = "", **attributes: float | str) -> str:
    """Return an element of a drawing.

    Args:
        tag: Tag name.
        kind: CSS classes.
        title: Tooltip.
        attributes: Remaining attributes; numbers are coordinates.
    """
    listed = "".join(
        f' {name.replace("_", "-")}="{value if isinstance(value, str) else placed(value)}"'
        for name, value in attributes.items()
    )
    return f'<{tag} class="{kind}"{listed}' + (f"><title>{said(title)}</title></{tag}>" if title else "/>")


def said(text: object) -> str:
    """Escape a text for markup and attributes, and replace characters that XML forbids."""
    return html.escape(escape_control(str(text), keep="\n\t"))


def tick_text(value: float, of: Axis) -> str:
    """Return the short label of a tick, with no more digits than the tick step needs."""
    step = of.ticks[1] - of.ticks[0] if len(of.ticks) > 1 else abs(value) or 1.0
    size = max(abs(of.low), abs(of.high))
    for unit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if unit <= size < _LARGEST and size >= (10_000 if letter == "k" else unit):
            return _trimmed(value / unit, step / unit) + (letter if value else "")
    if not _LEAST <= size < _LARGEST and value:
        return f"{value:.3g}"
    return _trimmed(value, step)


def _trimmed(value: float, step: float) -> str:
    digits = max(0, min(12, -int(Decimal(f"{step:.2g}").as_tuple().exponent)))
    text = f"{value:,.{digits}f}"
    return "0" if float(text.replace(",", "")) == 0 else text


def path(places: Floats, heights: Floats) -> str:
    """Return the path through points. A point with a non-finite coordinate leaves a gap."""
    parts: list[str] = []
    pen_down = False
    for x, y in zip(places.tolist(), heights.tolist(), strict=True):
        if math.isfinite(x) and math.isfinite(y):
            parts.append(f"{'L' if pen_down else 'M'}{placed(x)},{placed(y)}")
            pen_down = True
        else:
            pen_down = False
    return "".join(parts)


def lonely(heights: Floats) -> NDArray[np.bool_]:
    """Return a mask of the points without neighbours, which a line does not show."""
    there = np.isfinite(heights)
    beside = np.zeros_like(there)
    beside[1:] |= there[:-1]
    beside[:-1] |= there[1:]
    return there & ~beside


def written(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    """Return a text element at a position."""
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="rv-text {kind}" x="{placed(x)}" y="{placed(y)}"{where}>{said(text)}</text>'


def cut(text: str, room: float) -> str:
    """Shorten a text to the available width."""
    most = max(3, int(room / LETTER) - 1)
    return text if len(text) <= most else text[: most - 1] + "\u2026"


def placed(value: float) -> str:
    """Format a coordinate with one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def drawing(kind: str, width: float, height: float, body: str, label: str = "", *, is_sized: bool = True) -> str:
    """Return an SVG drawing.

    Args:
        kind: CSS class.
        width: Width in drawing units.
        height: Height in drawing units.
        body: Contents of the drawing.
        label: Accessible label; empty if the surrounding text describes the drawing.
        is_sized: Whether the drawing has this size; otherwise it fills its container.
    """
    size = f' width="{placed(width)}" height="{placed(height)}"' if is_sized else ""
    said_label = f' role="img" aria-label="{said(label)}"' if label else ""
    box = f'viewBox="0 0 {placed(width)} {placed(height)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}"{size} {box}{said_label}>{body}</svg>'
