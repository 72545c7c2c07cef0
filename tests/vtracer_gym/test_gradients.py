from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from vtracer_gym.gradients import MIN_PIXELS, fit_gradient
from vtracer_gym.shapes import Color, Gradient

DARK: Color = (20, 40, 160)
LIGHT: Color = (120, 240, 200)


def centres(width: int, height: int) -> NDArray[np.float64]:
    """Return the centres of the pixels of a picture, row by row."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64) + 0.5


@pytest.mark.parametrize("end", [(40.0, 0.0), (0.0, 30.0), (30.0, 30.0), (25.0, -18.0)])
def test_a_gradient_of_any_direction_is_found(end: tuple[float, float]) -> None:
    """The fitted gradient has the colours of the true one at every pixel."""
    places = centres(40, 30)
    true = Gradient((0.0, 0.0), end, (DARK, LIGHT))
    shown = true.at(places)
    inside = (shown != true.at(np.zeros((1, 2)))).any(axis=1) & (shown != true.at(np.array([end]))).any(axis=1)
    found = fit_gradient(places[inside], shown[inside])

    assert found is not None
    assert np.abs(found.at(places[inside]).astype(int) - shown[inside]).max() <= 4


def test_a_third_color_in_the_middle() -> None:
    """Colours that turn in the middle need three stops."""
    true = Gradient((0.0, 0.0), (40.0, 0.0), (DARK, LIGHT, (230, 30, 60)))
    places = centres(40, 10)
    found = fit_gradient(places, true.at(places))

    assert found is not None
    assert len(found.stops) == 3
    assert np.abs(found.at(places).astype(int) - true.at(places)).mean() < 4


@pytest.mark.parametrize("edge", [4, 12, 20, 28, 36])
def test_two_flat_parts_are_no_gradient(edge: int) -> None:
    """A hard edge between two colours is not blurred, wherever it is."""
    places = centres(40, 40)

    assert fit_gradient(places, np.where(places[:, :1] > edge, DARK, LIGHT).astype(np.uint8)) is None


def test_one_color_is_no_gradient() -> None:
    """Equal colours stay one colour."""
    assert fit_gradient(centres(20, 20), np.full((400, 3), 77, np.uint8)) is None


def test_tiles_and_noise_are_no_gradient() -> None:
    """Four tiles of two colours and noise are not much better with a gradient than with one colour."""
    places = centres(40, 40)
    tiles = (places[:, 0] > 20) ^ (places[:, 1] > 20)
    noise = np.random.default_rng(0).integers(0, 256, (1600, 3), dtype=np.uint8)

    assert fit_gradient(places, np.where(tiles[:, None], DARK, LIGHT).astype(np.uint8)) is None
    assert fit_gradient(places, noise) is None


def test_a_few_pixels_are_no_gradient() -> None:
    """A region of few pixels stays flat."""
    places = centres(MIN_PIXELS - 1, 1)

    assert fit_gradient(places, Gradient((0.0, 0.0), (30.0, 0.0), (DARK, LIGHT)).at(places)) is None


def test_colors_stay_the_same_beyond_the_ends() -> None:
    """Points before the start and after the end have the first and the last colour."""
    gradient = Gradient((10.0, 0.0), (20.0, 0.0), (DARK, LIGHT))

    assert gradient.at(np.array([[0.0, 5.0], [99.0, 5.0]])).tolist() == [list(DARK), list(LIGHT)]
    assert gradient.at(np.array([[15.0, 3.0]])).tolist() == [[70, 140, 180]]
