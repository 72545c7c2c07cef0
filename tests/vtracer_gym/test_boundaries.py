from __future__ import annotations

import math

import numpy as np
import pytest

from vtracer_gym.boundaries import Boundaries, Cuts, find_boundaries
from vtracer_gym.shapes import Polygon

SIZE = (64.0, 64.0)
SQUARE = np.array([[10, 10], [50, 10], [50, 50], [10, 50]], np.float64)


def found(*polygons: Polygon, sigma: float = 0.8) -> tuple[Boundaries, Cuts]:
    return find_boundaries(polygons, SIZE, sigma=sigma, scale=2.0)


def disc(radius: float, center: float = 32.0) -> Polygon:
    """Return the stairs around a disc, clockwise on the screen from its left end, symmetrical to both axes."""
    rows = np.arange(math.ceil(center - radius), math.floor(center + radius))
    reach = np.floor(np.sqrt(np.maximum(radius**2 - (rows + 0.5 - center) ** 2, 0.0)))
    right = [(center + half, float(y)) for row, half in zip(rows, reach, strict=True) for y in (row, row + 1)]
    left = [(2 * center - x, y) for x, y in reversed(right)]
    corners = np.array(right + left)
    kept = [index for index in range(len(corners)) if not np.array_equal(corners[index], corners[index - 1])]
    return corners[kept]


def points_of(boundaries: Boundaries, index: int = 0) -> np.ndarray[tuple[int], np.dtype[np.complex128]]:
    count = int(boundaries.length[index])
    return boundaries.at(np.arange(count, dtype=np.float64), np.full(count, index))


def test_a_square_keeps_its_corners() -> None:
    """A square has four sharp cuts, exactly at its corners although smoothing rounds them."""
    boundaries, cuts = found(SQUARE)

    assert cuts.sharp.all()
    corners = boundaries.at(cuts.place, cuts.owner)
    assert np.abs(np.sort_complex(corners) - np.sort_complex(SQUARE @ [1, 1j])).max() < 0.01


@pytest.mark.parametrize("radius", [5.0, 12.0, 28.0])
def test_a_disc_is_cut_at_its_extremes(radius: float) -> None:
    """A disc has four smooth cuts and no corner: at the left, right, top and bottom."""
    boundaries, cuts = found(disc(radius))
    places = boundaries.at(cuts.place, cuts.owner) - (32 + 32j)

    assert not cuts.sharp.any()
    assert np.sort(np.round(np.degrees(np.angle(places)) / 90).astype(int) % 4).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("radius", [12.0, 28.0])
def test_smoothing_removes_stairs(radius: float) -> None:
    """The distance from the centre of a disc changes by less than half a unit between points; steps have a unit."""
    boundaries, _ = found(disc(radius))

    distance = np.abs(points_of(boundaries) - (32 + 32j))
    assert distance.mean() == pytest.approx(radius, abs=0.5)
    assert np.abs(np.diff(distance)).max() < 0.5


def test_the_border_stays_exact() -> None:
    """A rectangle that fills the picture reaches the corners of the picture exactly."""
    full = np.array([[0, 0], [64, 0], [64, 64], [0, 64]], np.float64)
    boundaries, cuts = found(full)

    assert np.sort_complex(boundaries.at(cuts.place, cuts.owner)).tolist() == [0, 64j, 64, 64 + 64j]


def test_straight_sides_of_a_rounded_square_are_cut_off() -> None:
    """A square with rounded corners has eight smooth cuts: both ends of each side."""
    corner = [(10, 13), (11, 13), (11, 11), (13, 11), (13, 10)]
    quarter = np.array(corner, np.float64)
    turned = [quarter]
    for _ in range(3):
        turned.append(np.stack([60 - turned[-1][:, 1], turned[-1][:, 0]], axis=1))
    _, cuts = found(np.concatenate(turned))

    assert cuts.place.size == 8
    assert not cuts.sharp.any()


def test_a_single_step_is_not_a_corner() -> None:
    """A side with a step of one pixel has no corner there."""
    stepped = np.array([[10, 10], [30, 10], [30, 11], [50, 11], [50, 50], [10, 50]], np.float64)

    assert found(stepped)[1].sharp.sum() == 4


def test_places_wrap() -> None:
    """Places beyond the last point continue at the first one, and negative ones at the last one."""
    boundaries, _ = found(SQUARE, disc(12.0))
    count = float(boundaries.length[1])
    owner = np.ones(3, np.int64)

    around = boundaries.at(np.array([-1.5, count - 1.5, 2 * count - 1.5]), owner)
    assert np.allclose(around, around[0])


@pytest.mark.parametrize("side", [1.0, 2.0, 3.0])
def test_the_smallest_shapes_have_cuts(side: float) -> None:
    """A shape of one pixel has finite points and at least one cut."""
    tiny = np.array([[5, 5], [5 + side, 5], [5 + side, 6], [5, 6]], np.float64)
    boundaries, cuts = found(tiny, sigma=3.0)

    assert np.isfinite(points_of(boundaries)).all()
    assert cuts.place.size >= 1


def test_the_next_cut_wraps() -> None:
    """The distances between the cuts of a boundary add up to its length."""
    boundaries, cuts = found(SQUARE, disc(12.0))
    following, gap = cuts.following(boundaries.length)

    assert np.array_equal(cuts.owner[following], cuts.owner)
    assert np.bincount(cuts.owner, gap).tolist() == boundaries.length.tolist()
