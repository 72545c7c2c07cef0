from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vtracer_gym.recolouring import recolour
from vtracer_gym.shapes import Color, Gradient, Region


def box(color: Color, left: float, top: float, right: float, bottom: float) -> Region:
    return Region(color, (np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64),))


def test_the_median_of_inner_pixels_counts() -> None:
    """One pixel of another colour and blended pixels at the boundary have no effect."""
    pixels = np.full((20, 20, 3), (10, 20, 30), np.uint8)
    pixels[10, 10] = 255
    pixels[:, [0, -1]] = pixels[[0, -1]] = 128

    assert recolour([box((1, 1, 1), 0, 0, 20, 20)], pixels, 1.0)[0].fill == (10, 20, 30)


def test_covered_pixels_do_not_count() -> None:
    """A region gets the colour of the part that later regions leave visible."""
    pixels = np.full((20, 20, 3), (0, 0, 200), np.uint8)
    pixels[:, :14] = (200, 0, 0)
    below, above = recolour([box((1, 1, 1), 0, 0, 40, 40), box((2, 2, 2), 0, 0, 28, 40)], pixels, 2.0)

    assert (below.fill, above.fill) == ((0, 0, 200), (200, 0, 0))


def test_almost_white_becomes_white_and_almost_black_black() -> None:
    """Compressed pictures have paper of 254 and ink of 1."""
    pixels = np.full((20, 20, 3), (254, 253, 255), np.uint8)
    pixels[:, 10:] = (1, 0, 2)
    regions = [box((9, 9, 9), 0, 0, 10, 20), box((9, 9, 9), 10, 0, 20, 20)]

    assert [region.fill for region in recolour(regions, pixels, 1.0)] == [(255, 255, 255), (0, 0, 0)]


def test_invisible_regions_keep_their_color() -> None:
    """A region that is covered or outside keeps its colour and its polygons."""
    pixels = np.full((20, 20, 3), 70, np.uint8)
    hidden = box((1, 2, 3), 2, 2, 8, 8)

    assert recolour([hidden, box((9, 9, 9), 0, 0, 20, 20)], pixels, 1.0)[0].fill == (1, 2, 3)


def test_thin_regions_count_all_their_pixels() -> None:
    """A line of one pixel has no inner pixel, and gets the colour of its pixels."""
    pixels = np.full((20, 20, 3), 255, np.uint8)
    pixels[7] = (30, 60, 90)

    line = recolour([box((9, 9, 9), 0, 0, 20, 20), box((9, 9, 9), 0, 7, 20, 8)], pixels, 1.0)[1]
    assert line.fill == (30, 60, 90)


def test_no_regions() -> None:
    """A picture without regions is fine."""
    assert recolour([], np.zeros((11, 11, 3), np.uint8), 1.0) == []


def ramp() -> NDArray[np.uint8]:
    """Return 40 x 20 pixels that get redder from the left to the right."""
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[..., 0] = np.linspace(40, 235, 40).astype(np.uint8)[None]
    return pixels


def test_an_even_change_becomes_a_gradient() -> None:
    """A region whose colours change evenly gets a gradient in its own coordinates, with the same colours."""
    (region,) = recolour([box((1, 1, 1), 0, 0, 80, 40)], ramp(), 2.0)

    assert isinstance(region.fill, Gradient)
    assert sorted([region.fill.start[0], region.fill.end[0]]) == pytest.approx([0.0, 80.0], abs=6.0)
    centres = np.stack([2.0 * np.arange(40) + 1.0, np.full(40, 20.0)], axis=1)
    assert np.abs(region.fill.at(centres).astype(int) - ramp()[10]).max() <= 8


def test_a_transparent_logo_has_gradients_too() -> None:
    """The colours of a transparent logo make a gradient, whatever the colours of its transparent pixels."""
    rgba = np.zeros((20, 40, 4), np.uint8)
    rgba[..., :3] = (0, 255, 0)
    rgba[:, 4:36, :3], rgba[:, 4:36, 3] = ramp()[:, 4:36], 255
    (region,) = recolour([box((1, 1, 1), 8, 0, 72, 40)], rgba, 2.0)

    assert isinstance(region.fill, Gradient)
    assert max(green for _, green, _ in region.fill.stops) <= 2
