from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vtracer_gym.curve_fitting import fit_curves
from vtracer_gym.logos import Logo
from vtracer_gym.pipeline import Settings, vectorize
from vtracer_gym.preparation import enlarge, sharpen
from vtracer_gym.shapes import Outline, Region, Shape, points_along
from vtracer_gym.tracing import encode_png, trace_regions

SIZE = 128


def picture(inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return a blue shape on white, anti-aliased from a mask of eight times the size."""
    large = np.where(inside[..., None], np.array((20, 60, 160), np.uint8), np.uint8(255))
    return np.asarray(cv2.resize(large, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)


def fitted(inside: NDArray[np.bool_], tolerance: float = 0.5) -> list[Shape]:
    """Return the shapes of a traced mask, in pixels of the picture."""
    png = encode_png(sharpen(enlarge(picture(inside), 2), 1))
    regions = trace_regions(png, filter_speckle=8, color_precision=5, layer_difference=32)
    size = (2.0 * SIZE, 2.0 * SIZE)
    shapes = fit_curves(regions, size, smoothing=0.4, tolerance=tolerance, scale=2.0)
    return [Shape(shape.fill, tuple(outline / 2.0 for outline in shape.outlines)) for shape in shapes]


def mesh() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates of the centres of the large mask's pixels, in pixels of the picture."""
    across, down = np.meshgrid(*2 * [(np.arange(8 * SIZE) + 0.5) / 8])
    return across, down


def curves(outline: Outline) -> int:
    return len(outline) // 3


@pytest.mark.parametrize("radius", [12.0, 25.3, 50.0])
def test_a_circle_is_round(radius: float) -> None:
    """A circle becomes at most eight curves, which are within 0.35 px of the circle and 0.2 px on average."""
    across, down = mesh()
    (outline,) = fitted(np.hypot(across - 64.2, down - 63.7) < radius)[-1].outlines

    error = np.abs(np.hypot(*(points_along([outline], 40) - [64.2, 63.7]).T) - radius)
    assert curves(outline) <= 8
    assert error.max() < 0.35
    assert error.mean() < 0.2


@pytest.mark.parametrize("left", [30.0, 30.5, 30.25])
def test_a_square_has_four_corners(left: float) -> None:
    """A square becomes four lines, with corners within 0.3 px."""
    across, down = mesh()
    inside = (across > left) & (across < left + 60) & (down > 40) & (down < 100)
    (outline,) = fitted(inside)[-1].outlines

    corners = outline[:-1:3]
    exact = np.array([[x, y] for x in (left, left + 60) for y in (40.0, 100.0)])
    assert curves(outline) == 4
    assert np.hypot(*(corners[:, None] - exact).T).min(axis=1).max() < 0.3


@pytest.mark.parametrize("degrees", [0.0, 10.0, 30.0, 45.0])
def test_a_turned_square_has_straight_sides(degrees: float) -> None:
    """All points of a turned square lie within 0.4 px of its sides."""
    across, down = mesh()
    turn = math.radians(degrees)
    x, y = across - 64, down - 64
    u, v = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    (outline,) = fitted(np.maximum(np.abs(u), np.abs(v)) < 35)[-1].outlines

    x, y = (points_along([outline], 20) - 64).T
    u, v = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    assert np.abs(np.maximum(np.abs(u), np.abs(v)) - 35).max() < 0.4


def test_a_round_end_next_to_a_long_side_is_not_missed() -> None:
    """All points of a thick zigzag line with round ends lie at half of its width from its middle.

    One curve for a round end and the long side after it is far off. Cutting it near its end does not help.
    """
    line, width = np.array([[143.25, 171.75], [186.0, 151.25], [58.5, 182.0], [105.25, 98.75]]), 18.25
    pixels = np.full((1024, 1024, 3), 255, np.uint8)
    corners = np.rint(4 * line).astype(np.int32)[:, None]
    cv2.polylines(
        pixels, [corners], isClosed=False, color=(0, 110, 50), thickness=round(4 * width), lineType=cv2.LINE_AA
    )
    logo = Logo("zigzag", "simple", np.asarray(cv2.resize(pixels, (256, 256), interpolation=cv2.INTER_AREA), np.uint8))
    drawing = vectorize(logo, Settings(smoothing=0.67, tolerance=0.37))

    points = points_along(list(drawing.shapes[-1].outlines), 20) / drawing.scale
    begin, side = line[:-1], np.diff(line, axis=0)
    share = (((points[:, None] - begin) * side).sum(axis=2) / (side**2).sum(axis=1)).clip(0.0, 1.0)
    nearest = begin + share[..., None] * side
    distance = np.linalg.norm(points[:, None] - nearest, axis=2).min(axis=1)
    assert np.abs(distance - width / 2).max() < 1.0


def test_holes_stay_open() -> None:
    """The outlines of a frame have opposite directions, so that the fill rule nonzero leaves the hole open."""
    outer = np.array([[10, 10], [90, 10], [90, 90], [10, 90]], np.float64)
    frame = Region((0, 0, 0), (outer, outer[::-1] * 0.5 + 25))
    (shape,) = fit_curves([frame], (99.0, 99.0), smoothing=0.4, tolerance=0.5, scale=2.0)

    x, y = np.stack([points_along([outline], 10) for outline in shape.outlines]).transpose(2, 0, 1)
    areas = 0.5 * (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)
    assert areas.tolist() == pytest.approx([80**2, -(40**2)], rel=0.01)


def test_a_shape_at_the_border_ends_there() -> None:
    """A disc that the border cuts reaches the border exactly and stays round up to it."""
    across, down = mesh()
    (outline,) = fitted(np.hypot(across, down - 64) < 40)[-1].outlines

    points = points_along([outline], 20)
    arc = points[points[:, 0] > 0.3]
    assert points[:, 0].min() == 0.0
    assert np.abs(np.hypot(arc[:, 0], arc[:, 1] - 64) - 40).max() < 0.4


def test_outlines_are_closed_chains() -> None:
    """Each outline ends where it starts and lies inside the picture."""
    rng = np.random.default_rng(0)
    noise = cv2.resize(rng.random((32, 32)), (8 * SIZE, 8 * SIZE)) > 0.5

    for outline in (outline for shape in fitted(noise) for outline in shape.outlines):
        assert (len(outline) - 1) % 3 == 0
        assert outline[0].tolist() == outline[-1].tolist()
        assert 0.0 <= outline.min() <= outline.max() <= SIZE


def test_a_higher_tolerance_needs_fewer_curves() -> None:
    """The number of curves of a blob falls with the tolerance."""
    noise = np.random.default_rng(1).random((14, 14))
    blob = cv2.resize(noise, (8 * SIZE, 8 * SIZE), interpolation=cv2.INTER_CUBIC) > 0.5
    counts = [
        sum(curves(outline) for shape in fitted(blob, tolerance) for outline in shape.outlines)
        for tolerance in (0.2, 0.5, 1.5)
    ]

    assert counts[0] > counts[1] > counts[2]


def test_order_and_colors_stay() -> None:
    """There is one shape per region, in the same order and with the same colour."""
    box = np.array([[4, 4], [20, 4], [20, 20], [4, 20]], np.float64)
    regions = [Region((1, 2, 3), (box,)), Region((4, 5, 6), (box + 8, box + 30))]
    shapes = fit_curves(regions, (64.0, 64.0), smoothing=0.4, tolerance=0.5, scale=1.0)

    assert [(shape.fill, len(shape.outlines)) for shape in shapes] == [((1, 2, 3), 1), ((4, 5, 6), 2)]


def test_no_regions() -> None:
    """A picture without regions is fine."""
    assert fit_curves([], (9.0, 9.0), smoothing=0.4, tolerance=0.5, scale=1.0) == []
