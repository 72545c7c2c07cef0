"""Shapes of a traced picture: filled outlines from the bottom to the top."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.errors import TraceError

Number = TypeVar("Number", np.int64, np.float64)

Polygon = NDArray[np.float64]
"""Corners of a closed polygon, shape (n, 2). The first corner is not repeated."""

Outline = NDArray[np.float64]
"""A closed chain of n cubic curves, shape (1 + 3 n, 2): its start, then two control points and an end per curve."""

Color = tuple[int, int, int]
"""Red, green and blue from 0 to 255."""


@dataclass(frozen=True, slots=True)
class Gradient:
    """A linear gradient.

    Args:
        start: Point of the first colour, x and y.
        end: Point of the last colour.
        stops: Colours at equally spaced points from the start to the end, at least two. Beyond the ends, the colours
            stay the same.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    stops: tuple[Color, ...]

    def at(self, points: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the colours at points of shape (n, 2), shape (n, 3)."""
        across = np.subtract(self.end, self.start)
        share = (points - self.start) @ across / (across @ across)
        places = np.linspace(0.0, 1.0, len(self.stops))
        channels = [np.interp(share, places, levels) for levels in zip(*self.stops, strict=True)]
        return np.asarray(np.rint(np.stack(channels, axis=1)), np.uint8)


Fill = Color | Gradient
"""Fill of a shape."""

_PATH: Final = re.compile(
    rb'<path d="([^"]*)" fill="#([0-9A-Fa-f]{6})"(?: transform="translate\(([-\d.e]+),([-\d.e]+)\)")?/>'
)
_NUMBERS_ONLY: Final = bytes.maketrans(b"CLZ,", b"    ")


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A filled region with polygons as its boundary. Later regions cover earlier ones.

    Args:
        fill: Colour, or gradient in the coordinates of the polygons.
        polygons: Outer boundaries, which run clockwise on the screen, and holes, which run counterclockwise. Sides run
            along the axes.
    """

    fill: Fill
    polygons: tuple[Polygon, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A filled shape with curves as its boundary. Later shapes cover earlier ones.

    Args:
        fill: Colour, or gradient in the coordinates of the outlines.
        outlines: Outer boundaries and holes, which run in opposite directions (fill rule nonzero).
    """

    fill: Fill
    outlines: tuple[Outline, ...]


def parse_regions(svg: str) -> list[Region]:
    """Parse the document that VTracer writes in its mode ``none``, with whole numbers, and resolve translations.

    Polygons with fewer than three corners have no area and are left out.

    Raises:
        TraceError: A path has another form than VTracer's.
    """
    regions = []
    for color, parts in _paths(svg, np.int64):
        polygons = tuple(part for part in parts if len(part) > 2)  # noqa: PLR2004 - a triangle
        if polygons:
            regions.append(Region(color, polygons))
    return regions


def parse_shapes(svg: str) -> list[Shape]:
    """Parse the document that VTracer writes in its mode ``spline``, and resolve translations.

    Raises:
        TraceError: A path has another form than VTracer's.
    """
    return [Shape(color, tuple(parts)) for color, parts in _paths(svg, np.float64)]


def _paths(svg: str, number: type[np.int64 | np.float64]) -> list[tuple[Color, list[NDArray[np.float64]]]]:
    """Return the colour and the closed parts of each path. Whole numbers are parsed eight times faster."""
    found = []
    try:
        for data, fill, left, top in _PATH.findall(svg.encode()):
            offset = (float(left or 0), float(top or 0))
            parts = [
                np.asarray(np.fromstring(part, number, sep=" ").reshape(-1, 2) + offset, np.float64)
                for part in data.translate(_NUMBERS_ONLY).split(b"M")
                if part
            ]
            found.append(((int(fill[:2], 16), int(fill[2:4], 16), int(fill[4:], 16)), parts))
    except ValueError as error:
        raise TraceError(f"VTracer's SVG has a path that cannot be parsed ({error})") from error
    return found


def curves_of(outline: NDArray[Number]) -> NDArray[Number]:
    """Return start, two control points and end of each curve of an outline, shape (n, 4, 2)."""
    return np.stack([outline[:-1:3], outline[1::3], outline[2::3], outline[3::3]], axis=1)


def points_along(outlines: list[Outline], per_curve: int) -> NDArray[np.float64]:
    """Return points on outlines, equally spaced in the parameter of each curve, shape (points, 2)."""
    places = np.arange(per_curve) / per_curve
    weights = bernstein(places)
    chained = np.concatenate([curves_of(outline) for outline in outlines])
    return np.asarray(np.einsum("pk,nkd->npd", weights, chained).reshape(-1, 2))


def bernstein(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cubic Bernstein polynomials at parameters from 0 to 1, with a last axis of length 4."""
    rest = 1.0 - places
    return np.stack([rest**3, 3 * places * rest**2, 3 * places**2 * rest, places**3], axis=-1)
