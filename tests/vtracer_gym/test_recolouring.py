from __future__ import annotations

import numpy as np

from vtracer_gym.recolouring import recolour
from vtracer_gym.shapes import Color, Region


def box(color: Color, left: float, top: float, right: float, bottom: float) -> Region:
    return Region(color, (np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64),))


def test_the_median_of_inner_pixels_counts() -> None:
    """One pixel of another colour and blended pixels at the boundary have no effect."""
    pixels = np.full((20, 20, 3), (10, 20, 30), np.uint8)
    pixels[10, 10] = 255
    pixels[:, [0, -1]] = pixels[[0, -1]] = 128

    assert recolour([box((1, 1, 1), 0, 0, 20, 20)], pixels, 1.0)[0].color == (10, 20, 30)


def test_covered_pixels_do_not_count() -> None:
    """A region gets the colour of the part that later regions leave visible."""
    pixels = np.full((20, 20, 3), (0, 0, 200), np.uint8)
    pixels[:, :14] = (200, 0, 0)
    below, above = recolour([box((1, 1, 1), 0, 0, 40, 40), box((2, 2, 2), 0, 0, 28, 40)], pixels, 2.0)

    assert (below.color, above.color) == ((0, 0, 200), (200, 0, 0))


def test_almost_white_becomes_white_and_almost_black_black() -> None:
    """Compressed pictures have paper of 254 and ink of 1."""
    pixels = np.full((20, 20, 3), (254, 253, 255), np.uint8)
    pixels[:, 10:] = (1, 0, 2)
    regions = [box((9, 9, 9), 0, 0, 10, 20), box((9, 9, 9), 10, 0, 20, 20)]

    assert [region.color for region in recolour(regions, pixels, 1.0)] == [(255, 255, 255), (0, 0, 0)]


def test_invisible_regions_keep_their_color() -> None:
    """A region that is covered or outside keeps its colour and its polygons."""
    pixels = np.full((20, 20, 3), 70, np.uint8)
    hidden = box((1, 2, 3), 2, 2, 8, 8)

    assert recolour([hidden, box((9, 9, 9), 0, 0, 20, 20)], pixels, 1.0)[0].color == (1, 2, 3)


def test_thin_regions_count_all_their_pixels() -> None:
    """A line of one pixel has no inner pixel, and gets the colour of its pixels."""
    pixels = np.full((20, 20, 3), 255, np.uint8)
    pixels[7] = (30, 60, 90)

    line = recolour([box((9, 9, 9), 0, 0, 20, 20), box((9, 9, 9), 0, 7, 20, 8)], pixels, 1.0)[1]
    assert line.color == (30, 60, 90)


def test_no_regions() -> None:
    """A picture without regions is fine."""
    assert recolour([], np.zeros((11, 11, 3), np.uint8), 1.0) == []
