from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vtracer_gym.logos import Logo, logo_of
from vtracer_gym.measures import Measurer
from vtracer_gym.shapes import Gradient, Outline, Shape
from vtracer_gym.svg_writer import write_svg

SIZE = 64
WHITE = (255, 255, 255)
PAPER = Shape(
    WHITE, (np.array([[0, 0], *[[SIZE, 0]] * 3, *[[SIZE, SIZE]] * 3, *[[0, SIZE]] * 3, *[[0, 0]] * 3], np.float64),)
)


def outline(points: Callable[[NDArray[np.float64]], NDArray[np.float64]], count: int) -> Outline:
    """Return straight curves between points of a closed curve, which is a function of the angle."""
    corners = points(np.linspace(0, 2 * math.pi, count + 1))
    thirds = corners[:-1, None] + (corners[1:] - corners[:-1])[:, None] * np.array([1 / 3, 2 / 3, 1])[:, None]
    return np.concatenate([corners[:1], thirds.reshape(-1, 2)])


def circle(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return 32 + 22 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def diagonal_stairs(step: float) -> Outline:
    """Return a triangle whose long side is a diagonal in steps."""
    corners = [(8.0, 56.0), (8.0, 8.0)]
    while corners[-1][1] < 56:
        x, y = corners[-1]
        corners += [(x, y + step), (x + step, y + step)]
    points = np.array([*corners, corners[0]])
    return np.concatenate([points[:1], np.repeat(points[1:], 3, axis=0)])


def logo(shape: Shape, channels: int = 3) -> Logo:
    """Return a logo with a source of four times the size, drawn from a shape of straight lines."""
    large = np.zeros((8 * SIZE, 8 * SIZE, channels), np.uint8)
    large[..., :3] = 255
    corners = [np.rint(part[::3] * 8 * 256 - 128).astype(np.int32) for part in shape.outlines]
    assert not isinstance(shape.fill, Gradient)
    cv2.fillPoly(large, corners, (*shape.fill, 255)[:channels], shift=8)
    small, source = (cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA) for side in (SIZE, 4 * SIZE))
    return logo_of(np.asarray(small, np.uint8), "a", "simple", np.asarray(source, np.uint8))


def svg_of(*shapes: Shape) -> str:
    return write_svg(shapes, SIZE, SIZE, scale=1.0, grid=16.0)


DISC = Shape((20, 60, 160), (outline(circle, 120),))
OCTAGON = Shape((20, 60, 160), (outline(circle, 8),))


def test_an_exact_drawing() -> None:
    """A drawing of the logo's own shape is similar at all sizes, on its edges, and on exact paper."""
    measures = Measurer(logo(DISC)).measure(svg_of(PAPER, DISC), [DISC], 1.0)

    assert measures.quality > 0.99
    assert measures.detail > 0.99
    assert measures.edge_distance < 0.15
    assert measures.paper_error == 0.0


def test_facets_are_farther_from_the_edges_than_a_circle() -> None:
    """An octagon has a lower quality than a circle, and its lines are farther from the edges."""
    measurer = Measurer(logo(DISC))
    circle_measures, octagon_measures = (
        measurer.measure(svg_of(PAPER, shape), [shape], 1.0) for shape in (DISC, OCTAGON)
    )

    assert octagon_measures.edge_distance > circle_measures.edge_distance + 0.2
    assert octagon_measures.detail < circle_measures.detail


def test_stairs_are_farther_from_the_edges_than_a_straight_diagonal() -> None:
    """Stairs of two pixels have a higher edge distance than the diagonal that the logo shows."""
    triangle = Shape((0, 0, 0), (outline(lambda _: np.array([[8, 56], [8, 8], [56, 56], [8, 56]], np.float64), 3),))
    stairs = Shape((0, 0, 0), (diagonal_stairs(2.0),))
    measurer = Measurer(logo(triangle))

    straight, stepped = (measurer.measure(svg_of(shape), [shape], 1.0).edge_distance for shape in (triangle, stairs))
    assert stepped > straight + 0.2


def test_scale_does_not_matter() -> None:
    """The distance is in pixels of the logo, whatever the unit of the coordinates is."""
    measurer = Measurer(logo(DISC))
    double = Shape(DISC.fill, (DISC.outlines[0] * 2,))

    assert measurer.measure(svg_of(DISC), [double], 2.0) == measurer.measure(svg_of(DISC), [DISC], 1.0)


def test_tinted_paper_has_an_error() -> None:
    """Paper of (250, 255, 255) has a mean error of 5 levels in one of four channels."""
    tinted = Shape((250, 255, 255), PAPER.outlines)

    assert Measurer(logo(DISC)).measure(svg_of(tinted, DISC), [DISC], 1.0).paper_error == pytest.approx(5 / 4)


def test_missing_transparency_has_an_error() -> None:
    """White paper behind a transparent logo is wrong in all channels."""
    measurer = Measurer(logo(DISC, channels=4))

    assert measurer.measure(svg_of(DISC), [DISC], 1.0).paper_error == 0.0
    assert measurer.measure(svg_of(PAPER, DISC), [DISC], 1.0).paper_error == 255.0


def test_a_transparent_logo_is_measured_on_two_backgrounds() -> None:
    """A white logo is invisible on white, so an empty drawing has a low quality because of black."""
    white = Shape(WHITE, DISC.outlines)
    measurer = Measurer(logo(white, channels=4))

    assert measurer.measure(svg_of(white), [white], 1.0).quality > 0.99
    assert measurer.measure(svg_of(), [], 1.0).quality < 0.9


def test_sizes_follow_the_source() -> None:
    """A logo is measured at up to four times its size, or at its own size without a larger source."""
    assert Measurer(logo(DISC)).sizes == (1, 2, 4)
    assert Measurer(logo_of(logo(DISC).pixels, "a", "simple")).sizes == (1,)


def test_detail_is_quality_without_a_source() -> None:
    """Without a larger source, the detail is the quality."""
    measures = Measurer(logo_of(logo(DISC).pixels, "a", "simple")).measure(svg_of(OCTAGON), [OCTAGON], 1.0)

    assert measures.detail == measures.quality


def test_no_outlines() -> None:
    """A drawing without shapes has no edge distance."""
    assert Measurer(logo(DISC)).measure(svg_of(), [], 1.0).edge_distance == 0.0


def test_a_border_without_one_color_has_no_paper() -> None:
    """A photo has no paper, and no paper error."""
    noise = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)

    assert Measurer(logo_of(noise, "a", "complex")).measure(svg_of(DISC), [DISC], 1.0).paper_error == 0.0


def test_a_source_whose_sides_are_rounded_apart() -> None:
    """Outlines at the lower border are measured, although the source is not exactly as high as the logo suggests."""
    pixels, source = np.full((73, 63, 3), 255, np.uint8), np.full((291, 256, 3), 255, np.uint8)
    low = Shape((0, 0, 0), (outline(lambda angle: np.array([32.0, 72.0]) + 0.01 * circle(angle), 8),))

    measures = Measurer(logo_of(pixels, "a", "simple", source)).measure(svg_of(PAPER), [low], 1.0)

    assert 0.0 <= measures.edge_distance <= 1.0
