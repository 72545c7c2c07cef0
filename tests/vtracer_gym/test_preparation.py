from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vtracer_gym.preparation import enlarge, sharpen

Pixels = NDArray[np.uint8]


def step(channels: int = 3) -> Pixels:
    """Draw a white picture whose left part is black, with a blended column between."""
    pixels = np.full((12, 12, channels), 255, np.uint8)
    pixels[:, :5, :3] = 0
    pixels[:, 5, :3] = 100
    return pixels


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("channels", [3, 4])
def test_size(factor: int, channels: int) -> None:
    """Both sides grow by the factor, and the channels remain."""
    assert enlarge(step(channels), factor).shape == (12 * factor, 12 * factor, channels)


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (200, 3, 77)])
def test_flat_pictures_stay_flat(color: tuple[int, int, int]) -> None:
    """A picture of one colour keeps its exact colour up to the border."""
    flat = np.full((11, 13, 3), color, np.uint8)

    assert (enlarge(flat, 2) == color).all()


def test_transparent_colors_do_not_bleed() -> None:
    """Green transparent pixels next to red ones leave the red ones red."""
    rgba = np.zeros((12, 12, 4), np.uint8)
    rgba[:, :6] = (255, 0, 0, 255)
    rgba[:, 6:] = (0, 255, 0, 0)
    large = enlarge(rgba, 2)

    assert large[large[..., 3] > 8][:, 1].max() == 0


def test_edges_at_the_border_continue() -> None:
    """A half-covered first row rises from its inner side instead of becoming a flat row of two pixels."""
    pixels = np.full((12, 12, 3), 0, np.uint8)
    pixels[0] = 128
    large = enlarge(pixels, 2)

    assert large[0, 0, 0] > 150
    assert large[1, 0, 0] < 106


def test_sharpening_removes_blends() -> None:
    """A blended column moves to the nearer one of its neighbours."""
    assert sharpen(step(), 1)[0, :, 0].tolist() == [0] * 6 + [255] * 6


def test_sharpening_is_idempotent_on_sharp_pictures() -> None:
    """A second pass changes nothing where each pixel has an extreme value."""
    once = sharpen(step(), 1)

    assert np.array_equal(sharpen(once, 1), once)


def test_no_pass_changes_nothing() -> None:
    """Zero passes return the pixels."""
    assert np.array_equal(sharpen(step(), 0), step())
