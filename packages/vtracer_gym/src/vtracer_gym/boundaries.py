"""Boundaries of traced regions: the stairs of pixels, smoothed along their length, with corners and lines restored.

All boundaries of a picture are processed at once as one array of complex numbers. Calls on single boundaries or
coordinates would take longer than VTracer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym.shapes import Polygon

Points = NDArray[np.complex128]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ARM: Final = 1.5
"""Distance in pixels of the logo over which directions are compared at a corner."""

BLURRED: Final = 3.0
"""Distance from a corner within which smoothing moves the boundary, as a multiple of the standard deviation."""

BLENDED: Final = 1.2
"""Minimum distance from a corner in pixels of the logo within which the boundary is replaced by straight lines.

Pixels at a corner are blends, and the enlarged picture has a small hook or chamfer there.
"""

BASE: Final = 3.0
"""Length in pixels of the logo of the chord that gives the direction of the boundary next to a corner."""

CORNER_ANGLE: Final = 40.0
"""Change of direction in degrees from which a point is a corner."""

LINE_RATIO: Final = 6.0
"""Minimum length of a straight side of pixels as a multiple of the sides that continue it. A circle has at most 4.9."""

LINE: Final = 4.0
"""Minimum length in pixels of the logo of a straight side of pixels that is kept as a line."""

FLAT: Final = 0.1
"""Distance in coordinate units from an extreme within which points belong to the same flat top; its middle counts."""

STEP: Final = 3.0
"""Minimum length in coordinate units of a side between two others from which they do not continue each other."""


class Boundaries(NamedTuple):
    """Points at equal distances of about 1 on closed boundaries, one boundary after the other.

    Attributes:
        points: Points. Each boundary is padded at both ends with points of its other end.
        origin: Index of the first point of each boundary.
        length: Number of points of each boundary, without padding.
    """

    points: Points
    origin: Ints
    length: Ints

    def at(self, places: Floats, owner: Ints) -> Points:
        """Return interpolated points.

        Args:
            places: Fractional numbers of points from the first point of the boundary: at least minus the padding, and
                below twice the number of points.
            owner: Index of the boundary of each place.
        """
        count = self.length[owner]
        places = places - count * (places >= count)
        below = np.floor(places)
        index = self.origin[owner] + below.astype(np.int64)
        begin = self.points[index]
        return np.asarray(begin + (places - below) * (self.points[index + 1] - begin))


class Cuts(NamedTuple):
    """Places that divide boundaries, in the order of boundaries and places. Each boundary has at least one.

    Attributes:
        owner: Index of the boundary.
        place: Number of points from the first point of the boundary.
        sharp: Whether the place is a corner. Elsewhere, the boundary runs along an axis.
    """

    owner: Ints
    place: Floats
    sharp: Flags

    def following(self, length: Ints) -> tuple[Ints, Floats]:
        """Return the index of the next cut of the same closed boundary, and the distance to it.

        Args:
            length: Number of points of each boundary.
        """
        last = np.flatnonzero(np.append(self.owner[1:] != self.owner[:-1], True))
        following = np.arange(1, self.owner.size + 1)
        following[last] = np.append(0, last[:-1] + 1)
        gap = self.place[following] - self.place
        gap[last] += length[self.owner[last]]
        return following, gap


def find_boundaries(
    polygons: Sequence[Polygon], size: tuple[float, float], *, sigma: float, scale: float
) -> tuple[Boundaries, Cuts]:
    """Smooth the boundaries of polygons, and cut them at corners, at the ends of straight sides, or at extreme points.

    Smoothing rounds corners, so the sides are extended to where they meet. Points at the border of the picture stay
    there.

    Args:
        polygons: Polygons with sides along the axes.
        size: Width and height of the picture.
        sigma: Standard deviation of the Gaussian along a boundary.
        scale: Coordinate units per pixel of the logo.
    """
    arm = max(1, round(ARM * scale))
    blurred = max(BLENDED * scale, BLURRED * sigma)
    far = blurred + BASE * scale
    stairs = _sampled(polygons, LINE * scale)
    pad = int(np.ceil(max(3.0 * sigma, far, 2.0 * arm))) + 1
    layout = _layout(stairs, pad)
    border = _border(stairs.points, size)
    points = _pinned(_smoothed(stairs.points, layout, sigma), border, size)
    at_border = np.flatnonzero(border)
    limits = np.full(points.size, np.cos(np.radians(CORNER_ANGLE)))
    following = border[layout.source[layout.inner[at_border] + 1]]
    limits[at_border[(following > 0) & (following & border[at_border] == 0)]] = np.inf  # a corner of the picture
    corners = _corners(points[layout.source], layout, arm, limits)
    reach = layout.source[layout.inner[corners, None] + np.arange(-arm, arm + 1)]
    border[corners] = np.bitwise_or.reduce(border[reach], axis=1)
    points = _pinned(_sharpened(points, layout, stairs, corners, blurred, far), border, size)
    boundaries = Boundaries(points[layout.source], layout.origin, stairs.length)
    return boundaries, _cuts(points, stairs, layout, corners, arm)


class _Stairs(NamedTuple):
    """Points on the sides of polygons.

    Attributes:
        points: Points of all boundaries without padding.
        owner: Index of the boundary of each point.
        first: Index of the first point of each boundary.
        length: Number of points of each boundary.
        line_owner: Index of the boundary of each straight side.
        line_start: Place where the side begins.
        line_end: Place where it ends.
    """

    points: Points
    owner: Ints
    first: Ints
    length: Ints
    line_owner: Ints
    line_start: Floats
    line_end: Floats


class _Layout(NamedTuple):
    """Padded order of points.

    Attributes:
        source: Index of the point at each padded index.
        inner: Padded index of each point.
        origin: Padded index of the first point of each boundary.
    """

    source: Ints
    inner: Ints
    origin: Ints


def _sampled(polygons: Sequence[Polygon], shortest_line: float) -> _Stairs:
    sides = np.array([len(polygon) for polygon in polygons])
    corners = np.concatenate(polygons).astype(np.float64)
    ends = np.cumsum(sides)
    begins = ends - sides
    following = np.arange(1, ends[-1] + 1)
    following[ends - 1] = begins
    previous = np.arange(-1, ends[-1] - 1)
    previous[begins] = ends - 1
    lengths = np.abs(corners[following] - corners).sum(axis=1)  # sides run along the axes
    walked = np.concatenate([[0.0], np.cumsum(lengths)])
    perimeter = walked[ends] - walked[begins]
    count = np.maximum(8, np.rint(perimeter)).astype(np.int64)
    first = np.cumsum(count) - count
    owner = np.repeat(np.arange(count.size), count)
    density = count / perimeter
    along = walked[begins][owner] + (np.arange(owner.size) - first[owner] + 0.5) / density[owner]
    side = np.searchsorted(walked, along, side="right") - 1
    chained = corners.view(np.complex128)[:, 0]
    points = chained[side] + (chained[following[side]] - chained[side]) * ((along - walked[side]) / lengths[side])

    def continued(neighbour: Ints) -> Floats:
        return np.where(lengths[neighbour] >= STEP, 0.0, lengths[neighbour[neighbour]])

    others = np.maximum(continued(following), continued(previous))
    line = np.flatnonzero((lengths >= shortest_line) & (lengths >= LINE_RATIO * others))
    line_owner = np.searchsorted(ends, line, side="right")
    start = (walked[line] - walked[begins[line_owner]]) * density[line_owner] - 0.5
    return _Stairs(points, owner, first, count, line_owner, start, start + lengths[line] * density[line_owner])


def _layout(stairs: _Stairs, pad: int) -> _Layout:
    padded = stairs.length + 2 * pad
    owner = np.repeat(np.arange(padded.size), padded)
    origin = np.cumsum(padded) - padded + pad
    own: Ints = np.arange(owner.size) - origin[owner]
    source: Ints = stairs.first[owner] + np.mod(own, stairs.length[owner], dtype=np.int64)
    return _Layout(source, np.arange(stairs.owner.size) + pad * (2 * stairs.owner + 1), origin)


def _border(points: Points, size: tuple[float, float]) -> Ints:
    """Return a sum for each point: 1 at the left border of the picture, 2 at the top, 4 at the right, 8 below."""
    x, y = points.real, points.imag
    return np.asarray((x <= 0.0) + 2 * (y <= 0.0) + 4 * (x >= size[0]) + 8 * (y >= size[1]), np.int64)


def _pinned(points: Points, border: Ints, size: tuple[float, float]) -> Points:
    """Move points that belong to the border back to it."""
    index = np.flatnonzero(border)
    side, x, y = border[index], points.real[index], points.imag[index]
    x[side & 1 > 0], x[side & 4 > 0] = 0.0, size[0]
    y[side & 2 > 0], y[side & 8 > 0] = 0.0, size[1]
    points[index] = x + 1j * y
    return points


def _smoothed(points: Points, layout: _Layout, sigma: float) -> Points:
    reach = int(np.ceil(3.0 * sigma))
    if reach < 1:
        return points
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.asarray(np.convolve(points[layout.source], kernel / kernel.sum(), "same")[layout.inner])


def _corners(padded: Points, layout: _Layout, arm: int, limits: Floats) -> Ints:
    """Return the indices of corners: the sharpest points among their neighbours within an arm.

    The directions over twice the arm must differ as well, or the point belongs to a single step of the stairs.

    Args:
        padded: Smoothed points.
        layout: Padded order of points.
        arm: Number of points over which directions are compared.
        limits: Maximum cosine of the change of direction of a corner at each point; infinity where one is certain.
    """
    straightness = _straightness(padded[: -2 * arm], padded[arm:-arm], padded[2 * arm :])
    straightness[layout.inner[np.isinf(limits)] - arm] = -2.0
    candidates = np.flatnonzero(straightness[layout.inner - arm] <= limits)
    index = layout.inner[candidates]
    wide = _straightness(padded[index - 2 * arm], padded[index], padded[index + 2 * arm])
    chosen = wide <= limits[candidates]
    candidates, index = candidates[chosen], index[chosen, None] - arm
    reach = np.concatenate([np.arange(-arm, 0), np.arange(1, arm + 1)])
    others, mine = straightness[index + reach], straightness[index]
    beaten = np.where(reach < 0, others <= mine, others < mine)  # of equal neighbours, the first is the corner
    return np.asarray(candidates[~beaten.any(axis=1)], np.int64)


def _straightness(before: Points, at: Points, after: Points) -> Floats:
    """Return the cosine of the change of direction at points: 1 for a line."""
    turn = (after - at) * (at - before).conj()
    length = np.abs(turn)
    return np.divide(turn.real, length, out=np.ones(turn.size), where=length > 0.0)


def _sharpened(points: Points, layout: _Layout, stairs: _Stairs, corners: Ints, blurred: float, far: float) -> Points:
    """Move each corner to where the sides next to it meet, and the points near it to straight lines towards it.

    Args:
        points: Smoothed points.
        layout: Padded order of points.
        stairs: Boundaries of the points.
        corners: Indices of corners.
        blurred: Distance from a corner within which smoothing moved points.
        far: Distance up to which the direction of a side is measured.
    """
    if not corners.size:
        return points
    boundaries = Boundaries(points[layout.source], layout.origin, stairs.length)
    owner = stairs.owner[corners]
    place = (corners - stairs.first[owner]).astype(np.float64)
    following, gap = Cuts(owner, place, np.ones(owner.size, np.bool_)).following(stairs.length)
    gap_before = np.empty_like(gap)
    gap_before[following] = gap
    near_after, near_before = np.minimum(blurred, gap / 4.0), np.minimum(blurred, gap_before / 4.0)
    after, far_after = (boundaries.at(place + by, owner) for by in (near_after, np.minimum(far, gap - near_after)))
    before, far_before = (
        boundaries.at(place - by, owner) for by in (near_before, np.minimum(far, gap_before - near_before))
    )
    ahead, behind = after - far_after, before - far_before
    cross = (ahead.conj() * behind).imag
    with np.errstate(divide="ignore", invalid="ignore"):
        share = ((before - after).conj() * behind).imag / cross
        share_behind = ((before - after).conj() * ahead).imag / cross
        apex = after + share * ahead
    rounded = points[corners]
    usable = (share >= 0.0) & (share_behind >= 0.0) & (np.abs(apex - rounded) <= 1.5 * blurred)  # False for NaN
    apex = np.where(usable, apex, rounded)
    moved = points.copy()
    moved[corners] = apex
    for end, near, sign in ((before, near_before, -1), (after, near_after, 1)):
        for by in range(1, int(np.ceil(blurred))):
            chosen = np.flatnonzero(by < near)
            index = layout.source[layout.inner[corners[chosen]] + sign * by]
            moved[index] = apex[chosen] + (end[chosen] - apex[chosen]) * (by / near[chosen])
    return moved


def _cuts(points: Points, stairs: _Stairs, layout: _Layout, corners: Ints, arm: int) -> Cuts:
    """Return corners, ends of straight sides, and extreme points of boundaries with fewer than two of them."""
    taken = np.zeros(points.size, np.bool_)
    taken[layout.source[layout.inner[corners, None] + np.arange(-2 * arm, 2 * arm + 1)]] = True
    is_corner = np.zeros(points.size, np.bool_)
    is_corner[corners] = True
    ends = np.concatenate([stairs.line_start + arm, stairs.line_end - arm])
    owner = np.concatenate([stairs.line_owner, stairs.line_owner])
    count = stairs.length[owner]
    smooth = stairs.first[owner] + np.rint(ends).astype(np.int64) % count
    smooth = smooth[~taken[smooth]]
    cuts = np.concatenate([corners, smooth])
    few = np.bincount(stairs.owner[cuts], minlength=stairs.length.size) < 2  # noqa: PLR2004 - nothing to cut
    if few.any():
        extremes = _extremes(points, stairs, few)
        cuts = np.concatenate([cuts, extremes[~taken[extremes]]])
    cuts = np.unique(cuts)
    return Cuts(stairs.owner[cuts], (cuts - stairs.first[stairs.owner[cuts]]).astype(np.float64), is_corner[cuts])


def _extremes(points: Points, stairs: _Stairs, chosen: Flags) -> Ints:
    """Return the indices of the leftmost, rightmost, highest and lowest point of the chosen boundaries."""
    found = []
    for values in (points.real, -points.real, points.imag, -points.imag):
        lowest = np.minimum.reduceat(values, stairs.first)
        index = np.flatnonzero((values <= lowest[stairs.owner] + FLAT) & chosen[stairs.owner])
        _, first, count = np.unique(stairs.owner[index], return_index=True, return_counts=True)
        found.append(index[first + count // 2])
    return np.concatenate(found)
