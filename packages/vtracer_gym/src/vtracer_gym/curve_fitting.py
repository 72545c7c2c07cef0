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
from vtracer_gym.shapes import Outline, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym.boundaries import Boundaries, Cuts, Flags, Floats, Ints, Points
    from vtracer_gym.shapes import Region

SAMPLES: Final = 14
"""Number of boundary points to which a curve is fitted."""

GENERATIONS: Final = 12
"""Maximum number of times that a span is cut. Later spans are accepted as they are."""

NEAREST_CUT: Final = 0.15
"""Minimum share of a span on each side of a cut.

A curve that misses its span is often farthest from it near an end, time after time, and the rest would never fit.
"""

REACH: Final = 3.0
"""Maximum distance in pixels of the logo from a point to the ends of the chord that gives its tangent."""

STRAIGHT: Final = 0.6
"""Share of the tolerance within which the points of a span lie if it becomes a line."""

MOST_KINK: Final = float(np.cos(np.radians(8.0)))
"""Cosine of the maximum angle between a line and the tangent at its end where the boundary has no corner."""

LONGEST_HANDLE: Final = 4.0
"""Maximum length of a handle as a multiple of a third of the span. Longer ones make loops."""

SHORTEST: Final = 2.0
"""Length in coordinate units up to which a span is not cut."""

_PLACES: Final = np.linspace(0.0, 1.0, SAMPLES)[:, None]
_THIRDS: Final = np.array([[1.0], [2.0]]) / 3.0
_REST: Final = 1.0 - _PLACES
_AT_END: Final = _PLACES**2 * (3.0 * _REST + _PLACES) + 0j
_INNER: Final = np.hstack([3.0 * _PLACES * _REST**2, 3.0 * _PLACES**2 * _REST]) + 0j
_CURVE: Final = np.hstack([_INNER, _PLACES**3])
_GRAM: Final = (_INNER.T @ _INNER).real
_PRODUCTS: Final = (_GRAM[0, :1], _GRAM[1, 1:], _GRAM[0, 1:])
_SLOPE: Final = 3.0 * np.hstack([_REST * (_REST - 2 * _PLACES), _PLACES * (2 * _REST - _PLACES), _PLACES**2]) + 0j
_BEND: Final = 6.0 * np.hstack([_PLACES - 2 * _REST, _REST - 2 * _PLACES, _PLACES]) + 0j
"""Weights of the last three control points for points and their first and second derivatives at ``_PLACES``.

The first control point is 0. The numbers are complex so that products with points need no conversion.
"""


def fit_curves(
    regions: Sequence[Region],
    size: tuple[float, float],
    *,
    smoothing: float,
    tolerance: float,
    scale: float,
) -> list[Shape]:
    """Fit the boundaries of regions with cubic curves.

    Boundaries at the border of the picture stay there, and curves are clipped to the picture.

    Args:
        regions: Regions with pixel boundaries.
        size: Width and height of the picture, in the coordinates of the regions.
        smoothing: Standard deviation of the Gaussian along the boundary that smooths it, in pixels of the logo.
        tolerance: Maximum distance of the curves from the smoothed boundary, in pixels of the logo.
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
        scale=scale,
    )
    spans = _first_spans(boundaries, cuts, REACH * scale)
    fitted = iter(_fitted(boundaries, spans, tolerance * scale, REACH * scale, size))
    return [Shape(region.fill, tuple(next(fitted) for _ in region.polygons)) for region in regions]


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

    At a corner, the tangent is the direction of the span alone. Elsewhere, it is the axis along which it runs.
    """
    owner, start = cuts.owner, cuts.place
    following, gap = cuts.following(boundaries.length)
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
    """Fit a curve to each span, and cut the spans whose curve leaves the tolerance at the farthest point."""
    owners: list[Ints] = []
    starts: list[Floats] = []
    controls: list[Points] = []
    for generation in range(1, GENERATIONS + 1):
        length = spans.end - spans.start
        points = boundaries.at(spans.start + length * _PLACES, spans.owner)
        offset = points - points[0]
        third = np.abs(offset[1:] - offset[:-1]).sum(axis=0) / 3.0
        control, error, farthest = _fit(offset, third, spans.into, spans.back)
        line = _is_straight(offset, third, STRAIGHT * tolerance) & _is_continued(offset[-1], spans)
        control[1:3, line] = offset[-1, line] * _THIRDS
        done = line | (error <= tolerance) | (length <= SHORTEST)
        if generation == GENERATIONS:
            done[:] = True
        owners.append(spans.owner[done])
        starts.append(spans.start[done])
        controls.append((control + points[0])[:, done])
        if done.all():
            break
        spans = _halves(boundaries, spans, farthest, ~done, reach)
    owner, start = np.concatenate(owners), np.concatenate(starts)
    order = np.lexsort((start, owner))
    chain = np.concatenate(controls, axis=1).T[order]
    flat = chain.view(np.float64).reshape(-1, 4, 2).clip(0.0, size)
    parts = np.split(flat, np.cumsum(np.bincount(owner, minlength=boundaries.length.size))[:-1])
    return [np.concatenate([part[-1, 3:], part[:, 1:].reshape(-1, 2)]) for part in parts]  # closed


def _halves(boundaries: Boundaries, spans: _Spans, farthest: Floats, chosen: Flags, reach: float) -> _Spans:
    """Cut the chosen spans at a place between 0 and 1, where both halves get the tangent of the boundary."""
    owner, start, end = spans.owner[chosen], spans.start[chosen], spans.end[chosen]
    into, back = spans.into[chosen], spans.back[chosen]
    sharp_start, sharp_end = spans.sharp_start[chosen], spans.sharp_end[chosen]
    middle = start + (end - start) * farthest[chosen].clip(NEAREST_CUT, 1.0 - NEAREST_CUT)
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


def _fit(offset: Points, third: Floats, into: Points, back: Points) -> tuple[Points, Floats, Floats]:
    """Fit one cubic curve with given end tangents to the points of each span, twice.

    The second time, each point has the parameter of the nearest point of the first curve.

    Args:
        offset: Points from the start of the span, shape (SAMPLES, spans). The curve begins and ends at the outer ones.
        third: A third of the length of the polyline through the points, shape (spans,).
        into: Unit tangents at the start, shape (spans,).
        back: Unit tangents at the end, pointing into the span.

    Returns:
        Control points, shape (4, spans); the largest distance of a point from the curve; and its place in the span from
        0 to 1.
    """
    chord = offset[-1]
    sums = _INNER.T @ offset - (_INNER.T @ _AT_END) * chord
    one, other = _handles(sums[0], sums[1], _PRODUCTS, third, into, back)
    control = np.stack([one, chord + other, chord])
    places = _nearer(_CURVE @ control - offset, _SLOPE @ control, _BEND @ control)
    rest = 1.0 - places
    both = 3.0 * places * rest
    first, last = both * rest, both * places
    missing = offset - chord * (last + places * places * places)
    by_first, by_last = (missing * first).sum(axis=0), (missing * last).sum(axis=0)
    products = (first * first).sum(axis=0), (last * last).sum(axis=0), (first * last).sum(axis=0)
    one, other = _handles(by_first, by_last, products, third, into, back)
    away = one * first + other * last - missing
    squared = (away * away.conj()).real
    worst = squared.argmax(axis=0)
    return np.stack([np.zeros_like(one), one, chord + other, chord]), np.sqrt(squared.max(axis=0)), _PLACES[worst, 0]


def _handles(
    by_first: Points,
    by_last: Points,
    products: tuple[Floats, Floats, Floats],
    third: Floats,
    into: Points,
    back: Points,
) -> tuple[Points, Points]:
    """Return the handles of the best curves with given parameters, by least squares.

    The lengths of both handles solve the normal equations. Where they are not positive or too long, as for parallel
    tangents, they are a third of the length of the span.

    Args:
        by_first: Sum over the points: what the end points leave over, times the weight of the first handle.
        by_last: The same with the weight of the last handle.
        products: Sums of the squares of the first weights, of the squares of the last weights, and of their products.
        third: A third of the length of each span.
        into: Unit tangents at the start.
        back: Unit tangents at the end, pointing into the span.
    """
    first_first, last_last, first_last = products
    along_first, along_last = (by_first * into.conj()).real, (by_last * back.conj()).real
    mixed = first_last * (into * back.conj()).real
    determinant = first_first * last_last - mixed * mixed
    determinant[determinant == 0.0] = np.nan
    one = (along_first * last_last - along_last * mixed) / determinant
    other = (along_last * first_first - along_first * mixed) / determinant
    shorter, longer = np.minimum(one, other), np.maximum(one, other)
    usable = (shorter > 0.01 * third) & (longer < LONGEST_HANDLE * third)  # False for NaN
    return into * np.where(usable, one, third), back * np.where(usable, other, third)


def _nearer(away: Points, slope: Points, bend: Points) -> Floats:
    """Move the parameters ``_PLACES`` towards the nearest points of curves, by one Newton step.

    Args:
        away: Differences between curves and points, shape (SAMPLES, spans).
        slope: First derivatives of the curves.
        bend: Second derivatives of the curves.
    """
    denominator = (slope * slope.conj() + away * bend.conj()).real
    denominator[np.abs(denominator) < 1e-9] = np.inf  # noqa: PLR2004 - at a cusp, the parameter stays
    return np.asarray((_PLACES - (away * slope.conj()).real / denominator).clip(0.0, 1.0))


def _is_straight(offset: Points, third: Floats, within: float) -> Flags:
    """Return in which spans all points lie on the chord between the ends."""
    length = np.abs(offset[-1])
    across = np.abs((offset * offset[-1].conj()).imag).max(axis=0)
    return np.asarray((across <= within * length) & (length > 1.5 * third))


def _is_continued(chord: Points, spans: _Spans) -> Flags:
    """Return which chords continue the neighbours of their span: without a visible kink except at corners."""
    limit = MOST_KINK * np.abs(chord)
    return np.asarray(
        (spans.sharp_start | ((chord * spans.into.conj()).real >= limit))
        & (spans.sharp_end | (-(chord * spans.back.conj()).real >= limit))
    )


def _unit(vectors: Points) -> Points:
    length = np.abs(vectors)
    length[length == 0.0] = 1.0
    return np.asarray(vectors / length)
