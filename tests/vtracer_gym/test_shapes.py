from __future__ import annotations

import numpy as np
import pytest

from vtracer_gym.errors import TraceError
from vtracer_gym.shapes import bernstein, curves_of, parse_regions, parse_shapes, points_along

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<svg version="1.1" xmlns="http://www.w3.org/2000/svg">\n'
ROUND = np.array([[0, 0], [1, 0], [2, 0], [3, 0], [3, 1], [1, 1], [0, 0]], np.float64)


def test_translations_are_added() -> None:
    """Coordinates of a region are those of the picture."""
    path = '<path d="M0 0 L4 0 L4 2 L0 2 Z " fill="#0A0B0C" transform="translate(3,1)"/>'
    (region,) = parse_regions(f"{HEAD}{path}</svg>")

    assert region.fill == (10, 11, 12)
    assert [polygon.tolist() for polygon in region.polygons] == [[[3, 1], [7, 1], [7, 3], [3, 3]]]


def test_parts_without_area_are_left_out() -> None:
    """A polygon with two corners is dropped, and so is a region without any other."""
    two = '<path d="M0 0 L4 0 Z M0 0 L4 0 L4 2 Z " fill="#000000"/><path d="M0 0 L4 0 Z " fill="#000000"/>'

    assert [len(region.polygons) for region in parse_regions(f"{HEAD}{two}</svg>")] == [1]


def test_splines_keep_their_controls() -> None:
    """Curves of VTracer have one start and three points each, with decimals."""
    path = '<path d="M1.5 0 C2 0 3 0.25 4 1 C5 2 1.5 1 1.5 0 Z " fill="#FFFFFF" transform="translate(0.5,-1)"/>'
    (shape,) = parse_shapes(f"{HEAD}{path}</svg>")

    (outline,) = shape.outlines
    assert outline.tolist() == [[2, -1], [2.5, -1], [3.5, -0.75], [4.5, 0], [5.5, 1], [2, 0], [2, -1]]


def test_a_malformed_path_is_an_error() -> None:
    """An odd number of coordinates is refused."""
    with pytest.raises(TraceError, match="cannot be parsed"):
        parse_regions(f'{HEAD}<path d="M0 0 L4 " fill="#000000"/></svg>')


def test_curves_share_their_ends() -> None:
    """The end of each curve is the start of the next one."""
    curves = curves_of(ROUND)

    assert curves.shape == (2, 4, 2)
    assert curves[0, 3].tolist() == curves[1, 0].tolist()


def test_bernstein_polynomials_sum_to_one() -> None:
    """The weights of the control points are a partition of unity, and pick the ends at 0 and 1."""
    weights = bernstein(np.linspace(0, 1, 5))

    assert np.allclose(weights.sum(axis=-1), 1.0)
    assert weights[[0, -1]].tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]


def test_points_lie_on_the_curves() -> None:
    """Points of a straight curve with even controls are equally spaced."""
    assert np.allclose(points_along([ROUND], 3)[:3], [[0, 0], [1, 0], [2, 0]])
