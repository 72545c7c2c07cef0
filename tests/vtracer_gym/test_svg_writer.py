from __future__ import annotations

import functools
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from numpy.typing import NDArray

from vtracer_gym.rasterize import rasterize
from vtracer_gym.samples import sample_logos
from vtracer_gym.shapes import Gradient, Outline, Shape, curves_of, parse_shapes
from vtracer_gym.svg_writer import short_color, write_svg
from vtracer_gym.tracing import encode_png, trace

COORDINATE = r"-?\d+"
SEPARATED = rf"(?:{COORDINATE}(?: (?=\d)|(?=-)|$))"
PATH = re.compile(
    rf"(?:[Mm]{SEPARATED}{{2}}(?:[hv]{SEPARATED}+|l(?:{SEPARATED}{{2}})+|c(?:{SEPARATED}{{6}})+|[sq](?:{SEPARATED}{{4}})+)*z)+".replace(
        "|$)", r"|(?=[a-zA-Z]))"
    )
)
"""SVG 1.1's grammar of path data, for the commands and whole numbers that the writer uses."""


def polygon(*corners: tuple[float, float]) -> Outline:
    """Return an outline of straight curves."""
    points = np.array([*corners, corners[0]], np.float64)
    thirds = points[:-1, None] + (points[1:] - points[:-1])[:, None] * np.array([1 / 3, 2 / 3, 1])[:, None]
    return np.concatenate([points[:1], thirds.reshape(-1, 2)])


def box(left: float, top: float, right: float, bottom: float) -> Outline:
    return polygon((left, top), (right, top), (right, bottom), (left, bottom))


def data_of(svg: str) -> list[str]:
    return [str(path.get("d")) for path in ET.fromstring(svg)]  # noqa: S314 - our own document


@functools.cache
def written() -> list[tuple[str, str, int, int]]:
    """Return VTracer's document, ours, and the size of the samples."""
    documents = []
    for logo in sample_logos(8, np.random.default_rng(0)):
        theirs = trace(encode_png(logo.pixels)).svg
        ours = write_svg(parse_shapes(theirs), logo.width, logo.height, scale=1.0, grid=10.0)
        documents.append((theirs, ours, logo.width, logo.height))
    return documents


def test_a_square() -> None:
    """A square is a move, three lines and an implied closing line."""
    svg = write_svg([Shape((255, 0, 0), (box(1, 2, 4, 5),))], 8, 6, scale=1.0, grid=1.0)

    assert (
        svg == '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="6"><path fill="#f00" d="M1 2h3v3h-3z"/></svg>'
    )


def test_grid_and_scale() -> None:
    """Coordinates are multiplied by the grid and divided by the scale; the view box has the grid."""
    svg = write_svg([Shape((0, 0, 0), (box(1, 2, 4, 5),))], 8, 6, scale=2.0, grid=4.0)

    assert svg.endswith('width="8" height="6" viewBox="0 0 32 24"><path d="M2 4h6v6h-6z"/></svg>')


def test_smooth_curves_are_shortened() -> None:
    """A curve whose first handle mirrors the previous one is written without it."""
    wave = np.array([[0, 0], [0, 9], [4, 9], [8, 9], [12, 9], [16, 9], [16, 0], [10, 0], [5, 0], [0, 0]], np.float64)

    assert data_of(write_svg([Shape((0, 0, 0), (wave,))], 20, 20, scale=1.0, grid=1.0)) == ["M0 0c0 9 4 9 8 9s8 0 8-9z"]


def test_quadratic_curves_are_shortened() -> None:
    """A cubic curve that is a quadratic one up to rounding is written with one control point."""
    control, end = np.array([6.0, 9.0]), np.array([12.0, 0.0])
    arch = np.stack([0 * end, control * 2 / 3, end + (control - end) * 2 / 3, end, *[0 * end] * 3])

    assert data_of(write_svg([Shape((0, 0, 0), (arch,))], 20, 20, scale=1.0, grid=1.0)) == ["M0 0q6 9 12 0z"]


def test_lines_go_on() -> None:
    """Two lines in the same direction are one."""
    outline = polygon((0, 0), (3, 0), (9, 0), (9, 5))

    assert data_of(write_svg([Shape((0, 0, 0), (outline,))], 9, 9, scale=1.0, grid=1.0)) == ["M0 0h9v5z"]


def test_outlines_without_area_vanish() -> None:
    """A shape that rounding reduces to a line is not written."""
    svg = write_svg([Shape((0, 0, 0), (box(1, 1, 8, 1.3),))], 9, 9, scale=1.0, grid=1.0)

    assert data_of(svg) == []


def test_same_colors_share_a_path() -> None:
    """Shapes of the same colour are one path if nothing between them overlaps the upper one."""
    red, blue = (255, 0, 0), (0, 0, 255)
    shapes = [Shape(red, (box(0, 0, 3, 3),)), Shape(blue, (box(4, 0, 8, 4),)), Shape(red, (box(0, 5, 3, 8),))]

    assert data_of(write_svg(shapes, 9, 9, scale=1.0, grid=1.0)) == ["M0 0h3v3h-3zM0 5h3v3h-3z", "M4 0h4v4h-4z"]


def test_a_gradient_is_written_next_to_its_shape() -> None:
    """The coordinates of a gradient are those of the document, and colours have an offset each."""
    gradient = Gradient((0.0, 2.0), (8.0, 2.0), ((255, 0, 0), (16, 32, 48), (0, 0, 255)))
    svg = write_svg([Shape(gradient, (box(0, 0, 8, 4),))], 4, 2, scale=2.0, grid=4.0)

    definition, path = re.sub(r"g[0-9a-f]{6}", "NAME", svg[svg.index("<linear") :]).split("<path")

    assert definition == (
        '<linearGradient id="NAME" gradientUnits="userSpaceOnUse" y1="4" x2="16" y2="4"><stop offset="0" '
        'stop-color="#f00"/><stop offset="0.5" stop-color="#102030"/><stop offset="1" stop-color="#00f"/>'
        "</linearGradient>"
    )
    assert path == ' fill="url(#NAME)" d="M0 0h16v8h-16z"/></svg>'


def test_different_gradients_have_different_names() -> None:
    """The name of a gradient depends on the gradient, in one document and in several."""
    shapes = [
        Shape(Gradient((0.0, 0.0), (end, 0.0), ((255, 0, 0), (0, 0, 255))), (box(0, 0, end, 4),)) for end in (4.0, 8.0)
    ]
    together = re.findall(r'id="(\w+)"', write_svg(shapes, 8, 4, scale=1.0, grid=1.0))
    alone = [re.findall(r'id="(\w+)"', write_svg([shape], 8, 4, scale=1.0, grid=1.0))[0] for shape in shapes]

    assert together == alone
    assert len(set(alone)) == 2


def test_a_gradient_without_length_is_a_color() -> None:
    """A gradient whose ends are rounded to the same point becomes the colour in its middle."""
    gradient = Gradient((1.1, 1.0), (1.4, 1.0), ((255, 0, 0), (0, 255, 0), (0, 0, 255)))

    assert '<path fill="#0f0"' in write_svg([Shape(gradient, (box(0, 0, 8, 4),))], 8, 4, scale=1.0, grid=1.0)


def test_a_gradient_is_drawn_as_computed() -> None:
    """The drawn pixels have the colours that the gradient has at their centres."""
    gradient = Gradient((3.0, 2.0), (27.0, 18.0), ((255, 0, 40), (20, 200, 90)))
    drawn = rasterize(write_svg([Shape(gradient, (box(0, 0, 30, 20),))], 30, 20, scale=1.0, grid=1.0), 30, 20)
    columns, rows = np.meshgrid(np.arange(30), np.arange(20))
    centres = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64) + 0.5
    colors = gradient.at(centres).reshape(20, 30, 3)

    assert np.abs(drawn.astype(int) - colors).max() <= 8


def test_covered_shapes_keep_their_order() -> None:
    """A shape above one of another colour does not move below it, although its colour occurs there."""
    red, blue = (255, 0, 0), (0, 0, 255)
    shapes = [Shape(red, (box(0, 0, 9, 9),)), Shape(blue, (box(2, 2, 8, 8),)), Shape(red, (box(4, 4, 6, 6),))]
    svg = write_svg(shapes, 9, 9, scale=1.0, grid=1.0)

    assert len(data_of(svg)) == 3
    assert rasterize(svg, 9, 9)[5, 5].tolist() == [255, 0, 0]


def test_overlapping_shapes_of_one_color_stay_filled() -> None:
    """Where two shapes of a path overlap, the fill rule nonzero fills."""
    shapes = [Shape((255, 0, 0), (box(0, 0, 6, 6),)), Shape((255, 0, 0), (box(3, 3, 9, 9),))]
    svg = write_svg(shapes, 9, 9, scale=1.0, grid=1.0)

    assert len(data_of(svg)) == 1
    assert rasterize(svg, 9, 9)[4, 4].tolist() == [255, 0, 0]


@pytest.mark.parametrize("grid", [1.0, 1.37, 3.3, 7.9])
def test_the_border_is_covered(grid: float) -> None:
    """A shape that fills the picture leaves no transparent border, at every grid."""
    picture = rasterize(write_svg([Shape((0, 0, 0), (box(0, 0, 26, 22),))], 13, 11, scale=2.0, grid=grid), 13, 11)

    assert picture.max() == 0


@pytest.mark.parametrize(
    ("color", "text"),
    [((255, 255, 255), "#fff"), ((17, 34, 51), "#123"), ((17, 34, 52), "#112234"), ((0, 0, 0), "#000")],
)
def test_short_colors(color: tuple[int, int, int], text: str) -> None:
    """Colours with repeated digits have three digits."""
    assert short_color(color) == text


def test_paths_follow_the_grammar() -> None:
    """Documents are well-formed XML, and each path follows the grammar of SVG 1.1."""
    for _, ours, *_ in written():
        assert [data for data in data_of(ours) if not PATH.fullmatch(data)] == []


def test_a_third_of_the_bytes() -> None:
    """VTracer's curves need at most 35 % of its bytes."""
    assert sum(len(ours) for _, ours, *_ in written()) <= 0.35 * sum(len(theirs) for theirs, *_ in written())


def test_the_same_pixels() -> None:
    """The document has the pixels of VTracer's, with differences of rounding at edges only."""
    for theirs, ours, width, height in written():
        difference = np.abs(rasterize(theirs, width, height).astype(int) - rasterize(ours, width, height))

        assert difference.mean() < 0.5
        assert np.percentile(difference, 99) <= 12


def test_reading_and_writing_again_changes_nothing() -> None:
    """Shapes with whole coordinates survive, so that writing is idempotent."""

    def rounded(outline: Outline) -> NDArray[np.float64]:
        return np.rint(outline * 10) / 10

    shapes = parse_shapes(written()[0][0])
    exact = [Shape(shape.fill, tuple(map(rounded, shape.outlines))) for shape in shapes]
    assert write_svg(exact, 128, 128, scale=1.0, grid=10.0) == write_svg(shapes, 128, 128, scale=1.0, grid=10.0)
    assert all(curves_of(outline).shape[1:] == (4, 2) for shape in exact for outline in shape.outlines)


def test_no_shapes() -> None:
    """An empty picture is a valid document."""
    assert data_of(write_svg([], 9, 9, scale=1.0, grid=4.0)) == []
