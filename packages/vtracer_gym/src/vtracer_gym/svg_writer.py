"""Compact SVG: the same shapes in a fraction of VTracer's bytes, as valid SVG 1.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.shapes import Gradient, curves_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym.shapes import Color, Fill, Outline, Shape

_BLACK: Final = (0, 0, 0)

QUADRATIC: Final = 6
"""Maximum third difference, in coordinate units, of the points of a curve that is written as a quadratic curve.

The curve moves by at most a twentieth of it, and its control by a quarter: about as much as rounding moves them.
"""

MOST_CHECKED: Final = 64
"""Number of paths below a shape that are searched for one of the same colour."""

STRAIGHT: Final = 0.5
"""Distance in coordinate units within which the controls of a straight curve lie: less than rounding moves them."""


def write_svg(shapes: Sequence[Shape], width: int, height: int, *, scale: float, grid: float) -> str:
    """Write a document with whole numbers as coordinates.

    The coordinate system of the document has ``grid`` units per pixel of the picture, so that no coordinate needs
    decimals. Coordinates are relative, and separators are omitted where SVG allows it. Curves become lines or quadratic
    curves where rounding allows it. Closing lines are implied. Shapes with the same fill share a path if nothing lies
    between them.

    Args:
        shapes: Shapes from the bottom to the top.
        width: Width of the document in pixels.
        height: Height of the document in pixels.
        scale: Coordinates of the shapes per pixel of the document.
        grid: Coordinate units of the document per pixel, which sets the accuracy: rounding moves points by at most half
            a unit.
    """
    outlines = [outline for shape in shapes for outline in shape.outlines]
    written = iter(_written(outlines, (width * scale, height * scale), grid / scale))
    paths: list[_Path] = []
    for shape in shapes:
        parts = [part for part in (next(written) for _ in shape.outlines) if part is not None]
        if parts:
            _place(paths, shape.fill, parts)
    body = "".join(path.text(grid / scale) for path in paths)
    box = "" if grid == 1.0 else f' viewBox="0 0 {width * grid:g} {height * grid:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"{box}>{body}</svg>'


class _Outline(NamedTuple):
    """A rounded outline.

    Attributes:
        start: Start of the outline.
        commands: Commands between the start and the closing of the outline.
        box: Left, top, right and bottom of the controls, which contain the curves.
    """

    start: tuple[int, int]
    commands: str
    box: tuple[int, int, int, int]


class _Path:
    """One path element: the outlines of one or more shapes with the same fill."""

    def __init__(self, fill: Fill, outlines: list[_Outline]) -> None:
        self.fill = fill
        self.outlines = outlines

    def text(self, unit: float) -> str:
        """Return the element, after its gradient if it has one, whose coordinates are multiplied by ``unit``."""
        definition, fill = _definition(self.fill, unit) if isinstance(self.fill, Gradient) else ("", _color(self.fill))
        at: tuple[int, int] | None = None
        data = ""
        for outline in self.outlines:
            data += f"{_move(outline.start, at)}{outline.commands}z"
            at = outline.start
        return f'{definition}<path{fill} d="{data}"/>'

    def meets(self, others: Sequence[_Outline]) -> bool:
        return any(
            mine.box[0] < other.box[2]
            and other.box[0] < mine.box[2]
            and mine.box[1] < other.box[3]
            and other.box[1] < mine.box[3]
            for mine in self.outlines
            for other in others
        )


def _place(paths: list[_Path], fill: Fill, outlines: list[_Outline]) -> None:
    """Add a shape to the last path of its fill if no path above it overlaps the shape, otherwise as a new path.

    Under the fill rule nonzero, shapes of VTracer that share a path fill what they fill apart: each winds once around
    what it fills and not around the rest, all in the same direction.
    """
    for path in paths[:-MOST_CHECKED:-1]:
        if path.fill == fill:
            path.outlines += outlines
            return
        if path.meets(outlines):
            break
    paths.append(_Path(fill, outlines))


def _color(color: Color) -> str:
    return "" if color == _BLACK else f' fill="{short_color(color)}"'


def _definition(gradient: Gradient, unit: float) -> tuple[str, str]:
    """Return the element of a gradient, and the attribute that refers to it.

    The name depends on the gradient, so that documents in the same page do not use gradients of each other. Coordinates
    of 0 are the default of SVG, except ``x2``. A gradient without a length becomes the colour in its middle.
    """
    ends = zip(("x1", "y1", "x2", "y2"), (*gradient.start, *gradient.end), strict=True)
    numbers = {name: round(value * unit) for name, value in ends}
    if (numbers["x1"], numbers["y1"]) == (numbers["x2"], numbers["y2"]):
        return "", _color(gradient.stops[len(gradient.stops) // 2])
    line = "".join(f' {name}="{number}"' for name, number in numbers.items() if number or name == "x2")
    last = len(gradient.stops) - 1
    stops = "".join(
        f'<stop offset="{place / last:.2g}" stop-color="{short_color(color)}"/>'
        for place, color in enumerate(gradient.stops)
    )
    name = f"g{crc32((line + stops).encode()):08x}"[:7]
    element = f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse"{line}>{stops}</linearGradient>'
    return element, f' fill="url(#{name})"'


def short_color(color: Color) -> str:
    """Return a colour in the shortest hexadecimal notation."""
    text = f"{color[0]:02x}{color[1]:02x}{color[2]:02x}"
    return f"#{text[::2]}" if text[::2] == text[1::2] else f"#{text}"


def _written(outlines: Sequence[Outline], size: tuple[float, float], unit: float) -> list[_Outline | None]:
    """Round outlines and write their commands. An outline without an area becomes None.

    Points at the right and the bottom border are rounded up, so that shapes cover the last pixels completely.
    """
    if not outlines:
        return []
    exact = np.concatenate(outlines)
    points = np.where(exact < size, np.rint(exact * unit), np.ceil(exact * unit)).astype(np.int64)
    ends = np.cumsum([len(outline) for outline in outlines])
    starts = np.append(0, ends[:-1])
    boxes = np.concatenate(
        [np.minimum.reduceat(points, starts, axis=0), np.maximum.reduceat(points, starts, axis=0)], axis=1
    ).tolist()
    segments = np.concatenate([curves_of(points[start:end]) for start, end in zip(starts, ends, strict=True)])
    relative = segments[:, 1:] - segments[:, :1]  # both controls and the end, from the start
    numbers = relative.reshape(-1, 6).tolist()
    straight = _straight(relative).tolist()
    quadratic = _quadratic(relative).tolist()
    curve_ends = (np.cumsum((ends - starts) // 3)).tolist()
    found: list[_Outline | None] = []
    begin = 0
    for start, end, box in zip(points[starts].tolist(), curve_ends, boxes, strict=True):
        commands = _commands(numbers[begin:end], straight[begin:end], quadratic[begin:end])
        begin = end
        has_area = box[0] < box[2] and box[1] < box[3] and commands
        found.append(_Outline(tuple(start), commands, tuple(box)) if has_area else None)
    return found


def _move(start: tuple[int, int], at: tuple[int, int] | None) -> str:
    absolute = "M" + _joined(start)
    if at is None:
        return absolute
    return min(absolute, "m" + _joined((start[0] - at[0], start[1] - at[1])), key=len)


def _commands(
    curves: Sequence[Sequence[int]], straight: Sequence[bool], quadratic: Sequence[tuple[int, int, int]]
) -> str:
    """Return the commands of a chain of curves.

    Args:
        curves: Controls and end of each curve, relative to its start.
        straight: Whether a curve is a line.
        quadratic: Whether a curve is quadratic, and its control.
    """
    steps: list[tuple[str, Sequence[int]]] = []
    reflected: tuple[int, int] | None = None
    for numbers, is_line, (is_quadratic, *control) in zip(curves, straight, quadratic, strict=True):
        ax, ay, bx, by, x, y = numbers
        if is_line:
            if x or y:
                _add_line(steps, x, y)
                reflected = None
            continue
        if is_quadratic and reflected != (ax, ay):
            steps.append(("q", [*control, x, y]))
            reflected = None
            continue
        steps.append(("s", numbers[2:]) if reflected == (ax, ay) else ("c", numbers))
        reflected = (x - bx, y - by)
    if steps and steps[-1][0] in "hvl":  # "z" draws it
        steps.pop()
    text, last = "", ""
    for letter, numbers in steps:
        joined = _joined(numbers)
        text += letter + joined if letter != last else joined if joined[0] == "-" else " " + joined
        last = letter
    return text


def _add_line(steps: list[tuple[str, Sequence[int]]], x: int, y: int) -> None:
    letter, numbers = ("h", [x]) if y == 0 else ("v", [y]) if x == 0 else ("l", [x, y])
    if steps and letter in "hv" and steps[-1][0] == letter and (steps[-1][1][0] > 0) == (numbers[0] > 0):
        steps[-1] = (letter, [steps[-1][1][0] + numbers[0]])  # the line goes on
    else:
        steps.append((letter, numbers))


def _straight(relative: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which curves are straight: both controls lie within half a unit of the chord, and not beyond its ends."""
    x, y = relative[:, 2:, 0], relative[:, 2:, 1]
    length = np.hypot(x, y)
    across = np.abs(relative[:, :2, 0] * y - relative[:, :2, 1] * x)
    along = relative[:, :2, 0] * x + relative[:, :2, 1] * y
    slack = STRAIGHT * length
    is_straight = (across <= slack) & (along >= -slack) & (along <= length * length + slack)
    has_length = (length > 0) | ~relative[:, :2].any(axis=2)
    return np.asarray((is_straight & has_length).all(axis=1))


def _quadratic(relative: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which curves are quadratic up to rounding, 1 or 0, and the control point, shape (curves, 3)."""
    third_difference = relative[:, 2] + 3 * (relative[:, 0] - relative[:, 1])
    is_quadratic = np.abs(third_difference).max(axis=1) <= QUADRATIC
    control = np.rint((3 * (relative[:, 0] + relative[:, 1]) - relative[:, 2]) / 4).astype(np.int64)
    return np.concatenate([is_quadratic[:, None], control], axis=1)


def _joined(numbers: Sequence[int]) -> str:
    """Return numbers with a separator only where the next one has no sign."""
    return " ".join(map(str, numbers)).replace(" -", "-")
