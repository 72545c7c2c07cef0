from __future__ import annotations

import numpy as np
import pytest

from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.features import FEATURE_NAMES, difficulty, log_error, logo_features
from vtracer_gym.logos import Logo
from vtracer_gym.pipeline import Settings
from vtracer_gym.samples import sample_logos


def prepared(pixels: np.ndarray) -> PreparedLogo:
    return PreparedLogo(Logo("a", "simple", pixels))


def features(pixels: np.ndarray) -> dict[str, float]:
    return dict(zip(FEATURE_NAMES, logo_features(prepared(pixels)).tolist(), strict=True))


def halves(left: tuple[int, int, int], right: tuple[int, int, int]) -> np.ndarray:
    pixels = np.empty((64, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = left, right
    return pixels


def test_two_halves_by_hand() -> None:
    """For a half black, half white image, the features equal values computed by hand."""
    seen = features(halves((0, 0, 0), (255, 255, 255)))

    assert seen["log_area"] == pytest.approx(np.log(64 * 64 / 128**2))
    assert seen["color_entropy"] == pytest.approx(np.log(2) / 2 - 1)
    assert seen["share_flat"] == pytest.approx(2 * 62 / 64 - 1)
    assert seen["first_log_color_error"] == pytest.approx(np.log(0.5))


def test_slopes_and_edges_are_distinct() -> None:
    """A smooth ramp has soft slopes and no edges, and two halves have an edge and no slopes."""
    ramp = np.repeat(np.linspace(0, 252, 64).astype(np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    smooth, sharp = features(np.ascontiguousarray(ramp)), features(halves((0, 0, 0), (255, 255, 255)))

    assert smooth["share_soft_slope"] > sharp["share_soft_slope"] == -1.0
    assert sharp["share_edge"] > smooth["share_edge"] == -1.0


def test_merged_colours_are_seen() -> None:
    """Two greys that the lowest colour precision merges have a worse drawing there, and an equal one in the highest."""
    near, far = features(halves((100, 100, 100), (110, 110, 110))), features(halves((100, 100, 100), (120, 120, 120)))

    assert near["low_precision_error"] < -1.0
    assert near["low_precision_size"] > 0.0
    assert near["high_precision_error"] == far["low_precision_error"] == far["low_precision_size"] == 0.0


@pytest.mark.parametrize("size", [64, 128])
def test_features_are_finite_and_of_order_one(size: int) -> None:
    """All sample logos have features that a network can use."""
    for logo in sample_logos(12, np.random.default_rng(0), size):
        vector = logo_features(PreparedLogo(logo))

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


def test_a_failed_first_drawing_tells_nothing() -> None:
    """If the first drawing failed, the features of all drawings are 0, and the others are unchanged."""
    pixels = halves((100, 100, 100), (110, 110, 110))
    failed = prepared(pixels)
    failed.first = Attempt.failed(Settings(), "panicked")
    seen = dict(zip(FEATURE_NAMES, logo_features(failed).tolist(), strict=True))
    of_drawings = {name for name in FEATURE_NAMES if name.startswith(("first_", "low_", "high_"))}

    assert {seen[name] for name in of_drawings} == {0.0}
    assert {name: value for name, value in seen.items() if name not in of_drawings} == {
        name: value for name, value in features(pixels).items() if name not in of_drawings
    }


def test_a_failed_drawing_changes_nothing() -> None:
    """If the drawing with the lowest precision failed, its features are those of a drawing without a difference."""
    failed = prepared(halves((100, 100, 100), (110, 110, 110)))
    _, highest = failed.precision_extremes
    failed.precision_extremes = (Attempt.failed(Settings(), "panicked"), highest)
    seen = dict(zip(FEATURE_NAMES, logo_features(failed).tolist(), strict=True))

    assert {value for name, value in seen.items() if name.startswith("low_")} == {0.0}
