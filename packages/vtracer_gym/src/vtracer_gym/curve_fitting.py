"""Curve fitting: smooth cubic curves through the pixel stairs of traced regions, with sharp corners.

VTracer's own splines follow the stairs, so that circles become facets. Here, the boundary is smoothed along its length,
cut at its corners, and approximated within a tolerance by as few curves as a top-down search finds: P. J. Schneider,
"An algorithm for automatically fitting digitized curves", Graphics Gems, 1990.

All spans of a picture are fitted at once, one generation of cuts after the other, and points of the plane are complex
numbers. Calls on single spans or coordinates would take longer than VTracer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.shapes import Outline, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym.shapes import Polygon, Region

Points = NDArray[np.complex128]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SAMPLES: Final = 14
"""Number of boundary points to which a curve is fitted."""

GENERATIONS: Final = 8
"""Maximum number of times that a span is cut. Later spans are accepted as they are."""

ARM: Final = 1.5
"""Distance in pixels of the logo over which directions are compared at a corner."""

STRAIGHT: Final = 0.6
"""Share of the tolerance within which the points of a span lie if it becomes a line."""

LONGEST_HANDLE: Final = 4.0
"""Maximum length of a handle as a multiple of a third of the span. Longer ones make loops."""

_PLACES: Final = np.linspace(0.0, 1.0, SAMPLES)


def fit_curves(
    regions: Sequence[Region],
    size: tuple[float, float],
    *,
    smoothing: float,
    tolerance: float,
    corner_angle: float,
    scale: float,
) -> list[Shape]:
    """Fit the boundaries of regions with cubic curves.

    Boundaries at the border of the picture stay there: they are moved outwards, where smoothing rounds their corners,
    and the curves are clipped to the picture.

    Args:
        regions: Regions with pixel boundaries.
        size: Width and height of the picture, in the coordinates of the regions.
        smoothing: Standard deviation of the Gaussian that smooths the boundary along its length, in pixels of the logo.
        tolerance: Maximum distance of the curves from the smoothed boundary, in pixels of the logo.
        corner_angle: Change of direction in degrees from which a point is a corner. Curves meet smoothly elsewhere.
        scale: Coordinate units of the regions per pixel of the logo.

    Returns:
        One shape per region, in the coordinates of the regions.
    """
    if not regions:
        return []
    arm = max(1, round(ARM * scale))
    margin = np.ceil((3.0 * smoothing + tolerance) * scale) + arm
    boundary = _boundary([one for region in regions for one in region.polygons], size, margin, smoothing * scale)
    spans = _starts(boundary, arm, np.radians(corner_angle))
    fitted = iter(_fitted(boundary, spans, tolerance * scale, arm, size))
    return [Shape(region.color, tuple(next(fitted) for _ in region.polygons)) for region in regions]


class _Boundary(NamedTuple):
    """Equally spaced points on all closed boundaries, one after the other.

    Attributes:
        points: Points, shape (points,).
        owner: Index of the boundary of each point.
        first: Index of the first point of each boundary.
        count: Number of points of each boundary.
    """

    points: Points
    owner: Ints
    first: Ints
    count: Ints

    def at(self, places: Floats, owner: Ints) -> Points:
        """Return interpolated points at fractional indices, which are counted from the start of the owner and wrap."""
        below = np.floor(places)
        share = places - below
        first, count = self.first[owner], self.count[owner]
        index = below.astype(np.int64) % count
        following = index + 1
        following[following == count] = 0
        begin = self.points[first + index]
        return begin + share * (self.points[first + following] - begin)

    def neighbours(self, index: Ints, by: int | Ints) -> Ints:
        """Return the indices of the points that are ``by`` places further along their boundary."""
        owner = self.owner[index]
        first = self.first[owner]
        return first + (index - first + by) % self.count[owner]


def _boundary(polygons: Sequence[Polygon], size: tuple[float, float], margin: float, sigma: float) -> _Boundary:
    """Return the points of polygons at a distance of about 1, smoothed along each boundary.

    Args:
        polygons: Polygons with sides along the axes.
        size: Width and height of the picture.
        margin: Distance by which corners at the border of the picture are moved outwards.
        sigma: Standard deviation of the smoothing.
    """
    sides = np.array([len(polygon) for polygon in polygons])
    corners = np.concatenate(polygons)
    corners = corners + margin * (corners == size) - margin * (corners == 0.0)
    ends = np.cumsum(sides)
    following = np.arange(1, ends[-1] + 1)
    following[ends - 1] = ends - sides
    lengths = np.abs(corners[following] - corners).sum(axis=1)  # pixel edges run along the axes
    walked = np.concatenate([[0.0], np.cumsum(lengths)])
    perimeter = walked[ends] - walked[ends - sides]
    count = np.maximum(8, np.rint(perimeter)).astype(np.int64)
    first = np.cumsum(count) - count
    owner = np.repeat(np.arange(count.size), count)
    own = np.arange(owner.size) - first[owner]
    along = walked[ends - sides][owner] + (own + 0.5) * (perimeter / count)[owner]
    side = np.searchsorted(walked, along, side="right") - 1
    start, end = (corners[index].view(np.complex128)[:, 0] for index in (side, following[side]))
    points = start + (end - start) * ((along - walked[side]) / lengths[side])
    return _Boundary(_smoothed(points, owner, first, count, sigma), owner, first, count)


def _smoothed(points: Points, owner: Ints, first: Ints, count: Ints, sigma: float) -> Points:
    reach = int(np.ceil(3.0 * sigma))
    if reach < 1:
        return points
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = count + 2 * reach
    padded_owner = np.repeat(np.arange(count.size), padded)
    own = np.arange(padded_owner.size) - (np.cumsum(padded) - padded)[padded_owner] - reach
    source = points[first[padded_owner] + own % count[padded_owner]]
    blurred = np.convolve(source, kernel / kernel.sum(), "same")
    return np.asarray(blurred[np.arange(points.size) + reach * (2 * owner + 1)])


class _Spans(NamedTuple):
    """Parts of boundaries that are to become one curve each.

    Attributes:
        owner: Index of the boundary.
        start: Place of the start, as an index of points from the start of the boundary.
        end: Place of the end, which is higher than the start.
        sharp_start: Whether the start is a corner.
        sharp_end: Whether the end is a corner.
    """

    owner: Ints
    start: Floats
    end: Floats
    sharp_start: Flags
    sharp_end: Flags


def _starts(boundary: _Boundary, arm: int, corner_angle: float) -> _Spans:
    """Cut each boundary at its corners, and at its extreme points if it has fewer than two corners."""
    corners = _corners(boundary, arm, corner_angle)
    few = np.bincount(boundary.owner[corners], minlength=boundary.count.size) < 2  # noqa: PLR2004 - nothing to cut
    cuts = np.union1d(corners, _extremes(boundary, few)) if few.any() else corners
    sharp = np.zeros(boundary.points.size, np.bool_)
    sharp[corners] = True
    owner = boundary.owner[cuts]
    last = np.flatnonzero(np.append(owner[1:] != owner[:-1], True))
    leading = np.append(0, last[:-1] + 1)
    following = np.arange(1, cuts.size + 1)
    following[last] = leading
    place = (cuts - boundary.first[owner]).astype(np.float64)
    end = place[following]
    end[last] += boundary.count[owner[last]]
    return _Spans(owner, place, end, sharp[cuts], sharp[cuts[following]])


def _corners(boundary: _Boundary, arm: int, corner_angle: float) -> Ints:
    """Return the indices of corners: the sharpest points among their neighbours within an arm."""
    index = np.arange(boundary.points.size)
    ahead = boundary.points[boundary.neighbours(index, arm)] - boundary.points
    behind = boundary.points - boundary.points[boundary.neighbours(index, -arm)]
    turn = np.abs(np.angle(ahead * behind.conj()))
    candidates = np.flatnonzero(turn >= corner_angle)
    reach = np.concatenate([np.arange(-arm, 0), np.arange(1, arm + 1)])
    others = turn[boundary.neighbours(candidates[:, None], reach)]
    mine = turn[candidates, None]
    beaten = np.where(reach < 0, others >= mine, others > mine)  # of equal neighbours, the first is the corner
    return candidates[~beaten.any(axis=1)]


def _extremes(boundary: _Boundary, chosen: Flags) -> Ints:
    """Return the indices of the leftmost, rightmost, highest and lowest point of the chosen boundaries."""
    found = []
    for values in (boundary.points.real, -boundary.points.real, boundary.points.imag, -boundary.points.imag):
        is_lowest = values == np.minimum.reduceat(values, boundary.first)[boundary.owner]
        index = np.flatnonzero(is_lowest & chosen[boundary.owner])
        found.append(index[np.unique(boundary.owner[index], return_index=True)[1]])
    return np.concatenate(found)


def _fitted(
    boundary: _Boundary, spans: _Spans, tolerance: float, arm: int, size: tuple[float, float]
) -> list[Outline]:
    """Fit a curve to each span, and cut the spans whose curve leaves the tolerance where it is farthest away."""
    owners: list[Ints] = []
    starts: list[Floats] = []
    controls: list[Points] = []
    for generation in range(1, GENERATIONS + 1):
        length = spans.end - spans.start
        points = boundary.at(spans.start[:, None] + length[:, None] * _PLACES, spans.owner[:, None])
        control, error, farthest = _fit(points, *_tangents(boundary, spans, points, arm))
        line = _is_straight(points, STRAIGHT * tolerance)
        control[line] = _line(points[line])
        done = line | (error <= tolerance) | (length <= 2.0) | (generation == GENERATIONS)  # noqa: PLR2004 - points
        owners.append(spans.owner[done])
        starts.append(spans.start[done])
        controls.append(control[done])
        if done.all():
            break
        spans = _cut(spans, farthest, ~done)
    owner, start = np.concatenate(owners), np.concatenate(starts)
    order = np.lexsort((start, owner))
    chain = np.concatenate(controls)[order]
    flat = np.stack([chain.real.clip(0.0, size[0]), chain.imag.clip(0.0, size[1])], axis=-1)
    parts = np.split(flat, np.cumsum(np.bincount(owner, minlength=boundary.count.size))[:-1])
    return [np.concatenate([part[0, :1], part[:, 1:].reshape(-1, 2)]) for part in parts]


def _cut(spans: _Spans, farthest: Floats, chosen: Flags) -> _Spans:
    owner, start, end, sharp_start, sharp_end = (values[chosen] for values in spans)
    middle = start + (end - start) * farthest[chosen]
    smooth = np.zeros(owner.size, np.bool_)
    return _Spans(
        np.concatenate([owner, owner]),
        np.concatenate([start, middle]),
        np.concatenate([middle, end]),
        np.concatenate([sharp_start, smooth]),
        np.concatenate([smooth, sharp_end]),
    )


def _tangents(boundary: _Boundary, spans: _Spans, points: Points, arm: int) -> tuple[Points, Points]:
    """Return the directions into a span at its start and its end, shape (spans,) each.

    At a corner, the direction is that of the span alone; elsewhere, it is that of the boundary on both sides.
    """
    reach = np.minimum(arm, (spans.end - spans.start) / 3.0)
    before = boundary.at(spans.start - np.where(spans.sharp_start, 0.0, reach), spans.owner)
    after = boundary.at(spans.end + np.where(spans.sharp_end, 0.0, reach), spans.owner)
    into = boundary.at(spans.start + reach, spans.owner) - before
    back = boundary.at(spans.end - reach, spans.owner) - after
    return _unit(into), _unit(back)


def _fit(points: Points, into: Points, back: Points) -> tuple[Points, Floats, Floats]:
    """Fit one cubic curve with given end tangents to each row of points, twice: the second time with better parameters.

    Args:
        points: Points, shape (spans, SAMPLES). The curve starts at the first and ends at the last one.
        into: Unit tangents at the start, shape (spans,).
        back: Unit tangents at the end, pointing into the span.

    Returns:
        Control points, shape (spans, 4); the largest distance of a point from the curve; and its place in the span from
        0 to 1.
    """
    begin, end = points[:, :1], points[:, -1:]
    third = np.abs(np.diff(points)).sum(axis=1) / 3.0
    places = np.broadcast_to(_PLACES, points.shape)
    control, away = _least_squares(points, places, begin, end, into, back, third)
    places = _nearer(places, control, away)
    control, away = _least_squares(points, places, begin, end, into, back, third)
    distance = np.abs(away)
    worst = distance[:, 1:-1].argmax(axis=1) + 1
    return control, distance.max(axis=1), _PLACES[worst]


def _least_squares(
    points: Points, places: Floats, begin: Points, end: Points, into: Points, back: Points, third: Floats
) -> tuple[Points, Points]:
    """Return the control points of the best curve for given parameters, and its difference from the points.

    The lengths of both handles solve the normal equations. Where they are not positive or too long, as for parallel
    tangents, they are a third of the length of the span.
    """
    rest = 1.0 - places
    first, last = 3.0 * places * rest * rest, 3.0 * places * places * rest
    at_end = places * places * places + last
    fixed = begin + at_end * (end - begin)
    missing = points - fixed
    across = (into * back.conj()).real
    first_first, last_last = (first * first).sum(axis=1), (last * last).sum(axis=1)
    first_last = (first * last).sum(axis=1) * across
    by_first = ((missing * first).sum(axis=1) * into.conj()).real
    by_last = ((missing * last).sum(axis=1) * back.conj()).real
    determinant = first_first * last_last - first_last * first_last
    with np.errstate(divide="ignore", invalid="ignore"):
        one = (by_first * last_last - by_last * first_last) / determinant
        other = (by_last * first_first - by_first * first_last) / determinant
    longest = LONGEST_HANDLE * third
    usable = (one > 0.01 * third) & (other > 0.01 * third) & (one < longest) & (other < longest)  # False for NaN
    into, back = into * np.where(usable, one, third), back * np.where(usable, other, third)
    control = np.stack([begin[:, 0], begin[:, 0] + into, end[:, 0] + back, end[:, 0]], axis=1)
    return control, first * into[:, None] + last * back[:, None] - missing


def _nearer(places: Floats, control: Points, away: Points) -> Floats:
    """Move the parameters of points towards the nearest point of their curve, by one Newton step."""
    leg = 3.0 * np.diff(control)  # the derivative is the quadratic curve with these control points
    bend = 2.0 * np.diff(leg)
    slope = leg[:, :1] + places * (bend[:, :1] + 0.5 * places * np.diff(bend))
    curvature = bend[:, :1] + places * np.diff(bend)
    denominator = (slope * slope.conj() + away * curvature.conj()).real
    denominator[np.abs(denominator) < 1e-9] = np.inf  # noqa: PLR2004 - at a cusp, the parameter stays
    moved = np.clip(places - (away * slope.conj()).real / denominator, 0.0, 1.0)
    moved[:, 0], moved[:, -1] = 0.0, 1.0
    return moved


def _is_straight(points: Points, within: float) -> Flags:
    """Return which rows of points lie on the chord between their ends."""
    chord = points[:, -1:] - points[:, :1]
    length = np.abs(chord)
    across = np.abs(((points - points[:, :1]) * chord.conj()).imag)
    walked = np.abs(np.diff(points)).sum(axis=1)
    return np.asarray((across <= within * length).all(axis=1) & (length[:, 0] > 0.5 * walked))


def _line(points: Points) -> Points:
    third = (points[:, -1] - points[:, 0]) / 3.0
    return np.stack([points[:, 0], points[:, 0] + third, points[:, -1] - third, points[:, -1]], axis=1)


def _unit(vectors: Points) -> Points:
    length = np.abs(vectors)
    length[length == 0.0] = 1.0
    return np.asarray(vectors / length)
