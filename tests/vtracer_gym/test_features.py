from __future__ import annotations

import math

import numpy as np
import pytest

from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.features import FEATURE_NAMES, PRECISIONS, difficulty, log_error, logo_features
from vtracer_gym.logos import Logo
from vtracer_gym.pipeline import Settings
from vtracer_gym.samples import sample_logos


def features(pixels: np.ndarray) -> dict[str, float]:
    first = PreparedLogo(Logo("a", "simple", pixels)).first
    return dict(zip(FEATURE_NAMES, logo_features(pixels, first).tolist(), strict=True))


def halves(left: tuple[int, int, int], right: tuple[int, int, int]) -> np.ndarray:
    pixels = np.empty((64, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = left, right
    return pixels


def test_two_halves_by_hand() -> None:
    """For a half black, half white image, the features equal values computed by hand."""
    seen = features(halves((0, 0, 0), (255, 255, 255)))

    assert seen["log_aspect"] == 0.0
    assert seen["log_area"] == pytest.approx(np.log(64 * 64 / 128**2))
    assert seen["brightness"] == pytest.approx(0.0)
    assert seen["saturation"] == -1.0
    assert seen["share_first_color"] == pytest.approx(2 * 0.5 - 1)
    assert seen["color_entropy"] == pytest.approx(np.log(2) / 2 - 1)
    assert seen["share_flat"] == pytest.approx(2 * 62 / 64 - 1)


def test_slopes_and_edges_are_distinct() -> None:
    """A smooth ramp has soft slopes and no edges, and two halves have an edge and no slopes."""
    ramp = np.repeat(np.linspace(0, 252, 64).astype(np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    smooth, sharp = features(np.ascontiguousarray(ramp)), features(halves((0, 0, 0), (255, 255, 255)))

    assert smooth["share_soft_slope"] > sharp["share_soft_slope"] == -1.0
    assert sharp["share_edge"] > smooth["share_edge"] == -1.0


@pytest.mark.parametrize("size", [64, 128])
def test_features_are_finite_and_of_order_one(size: int) -> None:
    """All sample logos have features that a network can use."""
    for logo in sample_logos(12, np.random.default_rng(0), size):
        vector = logo_features(logo.pixels, PreparedLogo(logo).first)

        assert vector.shape == (len(FEATURE_NAMES),)
        assert np.isfinite(vector).all()
        assert np.abs(vector).max() < 8


@pytest.mark.parametrize("level", [0, 255])
def test_blank_is_finite(level: int) -> None:
    """The features of a logo with one colour are finite."""
    assert np.isfinite(list(features(np.full((11, 11, 3), level, np.uint8)).values())).all()


def test_error_is_logarithmic() -> None:
    """Halving the error is a fixed step, down to the floor."""
    assert log_error(1.0) == pytest.approx(np.log(0.002))
    assert log_error(0.9) - log_error(0.951) == pytest.approx(np.log(2))


def test_difficulty_grows_with_edges() -> None:
    """A blank image is easy and noise is hard."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)

    assert (difficulty(np.zeros((64, 64, 3), np.uint8)), difficulty(noise)) == ("easy", "hard")


def test_false_edges_are_between_similar_colors_of_different_levels() -> None:
    """VTracer sees an edge between 127 and 128 at any precision, and none between 128 and 129."""
    across, within = features(halves((127, 0, 0), (128, 0, 0))), features(halves((128, 0, 0), (129, 0, 0)))
    edges = 64  # one pair of neighbours per row

    for bits in PRECISIONS:
        assert across[f"false_edges_{bits}_bits"] == pytest.approx(math.log(edges + 1) / 3 + 1)
        assert within[f"false_edges_{bits}_bits"] == pytest.approx(1.0)


def test_a_failed_first_drawing_tells_nothing() -> None:
    """If the first drawing failed, its features are 0 and the others are unchanged."""
    pixels = halves((0, 0, 0), (255, 255, 255))
    failed = logo_features(pixels, Attempt.failed(Settings(), "panicked"))
    names = [name.startswith("first_") for name in FEATURE_NAMES]

    assert failed[names].tolist() == [0.0] * 7
    assert failed[np.logical_not(names)].tolist() == [
        value for name, value in features(pixels).items() if not name.startswith("first_")
    ]
