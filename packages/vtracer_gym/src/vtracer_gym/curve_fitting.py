"""Curve fitting: smooth cubic curves through the pixel stairs of traced regions, with sharp corners.

VTracer's own splines follow the stairs, so that circles become facets. Here, the boundary is smoothed along its length,
cut at its corners, and approximated within a tolerance by as few curves as a top-down search finds: P. J. Schneider,
"An algorithm for automatically fitting digitized curves", Graphics Gems, 1990.

All spans of a picture are fitted at once, one generation of cuts after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from vtracer_gym.boundaries import find_boundaries
from vtracer_gym.shapes import Outline, Shape, bernstein

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym.boundaries import Boundaries, Cuts, Flags, Floats, Ints, Points
    from vtracer_gym.shapes import Region

SAMPLES: Final = 14
"""Number of boundary points to which a curve is fitted."""

GENERATIONS: Final = 8
"""Maximum number of times that a span is cut. Later spans are accepted as they are."""

REACH: Final = 3.0
"""Maximum distance in pixels of the logo from a point to the ends of the chord that gives its tangent."""

STRAIGHT: Final = 0.6
"""Share of the tolerance within which the points of a span lie if it becomes a line."""

MOST_KINK: Final = float(np.cos(np.radians(8.0)))
"""Cosine of the maximum angle between a line and the tangent at its end where the boundary has no corner."""

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

    Boundaries at the border of the picture stay there, and curves are clipped to the picture.

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
    boundaries, cuts = find_boundaries(
        [polygon for region in regions for polygon in region.polygons],
        size,
        sigma=smoothing * scale,
        corner_angle=np.radians(corner_angle),
        scale=scale,
    )
    spans = _first_spans(boundaries, cuts, REACH * scale)
    fitted = iter(_fitted(boundaries, spans, tolerance * scale, REACH * scale, size))
    return [Shape(region.color, tuple(next(fitted) for _ in region.polygons)) for region in regions]


class _Spans(NamedTuple):
    """Parts of boundaries that are to become one curve each.

    Attributes:
        owner: Index of the boundary.
        start: Place of the start.
        end: Place of the end, which is higher than the start and may be beyond the last point of the boundary.
        into: Unit tangent at the start, which points into the span.
        back: Unit tangent at the end, which points into the span.
        sharp_start: Whether the start is a corner.
        sharp_end: Whether the end is a corner.
    """

    owner: Ints
    start: Floats
    end: Floats
    into: Points
    back: Points
    sharp_start: Flags
    sharp_end: Flags


def _first_spans(boundaries: Boundaries, cuts: Cuts, reach: float) -> _Spans:
    """Return the spans between cuts.

    At a corner, the tangent is the direction of the span alone. Elsewhere, it is the axis along which the boundary runs.
    """
    owner, start = cuts.owner, cuts.place
    following, gap = cuts.following(boundaries.count)
    end = start + gap
    into = _direction(boundaries, owner, start, np.minimum(reach, gap / 3.0), cuts.sharp)
    back = _direction(boundaries, owner, end, -np.minimum(reach, gap / 3.0), cuts.sharp[following])
    return _Spans(owner, start, end, into, back, cuts.sharp, cuts.sharp[following])

def _direction(boundaries: Boundaries, owner: Ints, place: Floats, reach: Floats, sharp: Flags) -> Points:
    """Return the unit direction in which a boundary leaves cuts, measured over a signed distance."""
    leg = boundaries.at(place + reach, owner) - boundaries.at(place - np.where(sharp, 0.0, reach), owner)
    along_axis = np.where(np.abs(leg.real) >= np.abs(leg.imag), leg.real + 0j, 1j * leg.imag)
    return _unit(np.where(sharp, leg, along_axis))


def _fitted(
    boundaries: Boundaries, spans: _Spans, tolerance: float, reach: float, size: tuple[float, float]
) -> list[Outline]:
    """Fit a curve to each span, and cut the spans whose curve leaves the tolerance where it is farthest away."""
    owners: list[Ints] = []
    starts: list[Floats] = []
    controls: list[Points] = []
    for generation in range(1, GENERATIONS + 1):
        length = spans.end - spans.start
        points = boundaries.at(spans.start[:, None] + length[:, None] * _PLACES, spans.owner[:, None])
        control, error, farthest = _fit(points, spans.into, spans.back)
        line = _is_straight(points, STRAIGHT * tolerance) & _along(points, spans)
        control[line] = _line(points[line])
        done = line | (error <= tolerance) | (length <= 2.0) | (generation == GENERATIONS)  # noqa: PLR2004 - points
        owners.append(spans.owner[done])
        starts.append(spans.start[done])
        controls.append(control[done])
        if done.all():
            break
        spans = _halves(boundaries, spans, farthest, ~done, reach)
    owner, start = np.concatenate(owners), np.concatenate(starts)
    order = np.lexsort((start, owner))
    chain = np.concatenate(controls)[order]
    flat = np.stack([chain.real.clip(0.0, size[0]), chain.imag.clip(0.0, size[1])], axis=-1)
    parts = np.split(flat, np.cumsum(np.bincount(owner, minlength=boundaries.count.size))[:-1])
    return [np.concatenate([part[0, :1], part[:, 1:].reshape(-1, 2)]) for part in parts]


def _halves(boundaries: Boundaries, spans: _Spans, farthest: Floats, chosen: Flags, reach: float) -> _Spans:
    owner, start, end, into, back, sharp_start, sharp_end = (values[chosen] for values in spans)
    middle = start + (end - start) * farthest[chosen]
    near = np.minimum(reach, np.minimum(middle - start, end - middle))
    tangent = _unit(boundaries.at(middle + near, owner) - boundaries.at(middle - near, owner))
    smooth = np.zeros(owner.size, np.bool_)
    return _Spans(
        np.concatenate([owner, owner]),
        np.concatenate([start, middle]),
        np.concatenate([middle, end]),
        np.concatenate([into, tangent]),
        np.concatenate([-tangent, back]),
        np.concatenate([sharp_start, smooth]),
        np.concatenate([smooth, sharp_end]),
    )


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


def _along(points: Points, spans: _Spans) -> Flags:
    """Return which chords continue the neighbours of their span: at smooth ends, without a visible kink."""
    chord = points[:, -1] - points[:, 0]
    limit = MOST_KINK * np.abs(chord)
    return np.asarray(
        (spans.sharp_start | ((chord * spans.into.conj()).real >= limit))
        & (spans.sharp_end | (-(chord * spans.back.conj()).real >= limit))
    )


def _line(points: Points) -> Points:
    third = (points[:, -1] - points[:, 0]) / 3.0
    return np.stack([points[:, 0], points[:, 0] + third, points[:, -1] - third, points[:, -1]], axis=1)


def _unit(vectors: Points) -> Points:
    length = np.abs(vectors)
    length[length == 0.0] = 1.0
    return np.asarray(vectors / length)
