from __future__ import annotations

import numpy as np
import pytest

from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.errors import TraceError
from vtracer_gym.layers import layers_of
from vtracer_gym.logos import Logo
from vtracer_gym.pipeline import Settings
from vtracer_gym.shapes import Region


def two_tones(difference: int) -> PreparedLogo:
    """Return a logo of two halves whose red values differ."""
    pixels = np.full((64, 64, 3), 100, np.uint8)
    pixels[:, 32:, 0] += difference
    return PreparedLogo(Logo("a", "simple", pixels))


def test_a_small_layer_difference_keeps_both_tones() -> None:
    """Two tones are two regions without a colour error, until the layer difference merges them."""
    kept, merged = (layers_of(two_tones(24), difference) for difference in (4, 128))

    assert kept is not None
    assert merged is not None
    assert (kept.regions, merged.regions) == (2, 1)
    assert kept.color_error == pytest.approx(0.0, abs=0.1)
    assert merged.color_error > 1.0


def test_transparent_pixels_have_no_error() -> None:
    """The layers of a transparent logo concern its visible part."""
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[16:48, 16:48] = (200, 40, 20, 255)
    transparent = Logo("a", "simple", np.full((64, 64, 3), 255, np.uint8), rgba)
    transparent.pixels[16:48, 16:48] = (200, 40, 20)
    layers = layers_of(PreparedLogo(transparent), 24)

    assert layers is not None
    assert layers.color_error == pytest.approx(0.0, abs=0.1)


def test_failure_of_vtracer() -> None:
    """If VTracer fails, there are no layers."""

    class Failing(PreparedLogo):
        def regions(self, settings: Settings) -> list[Region]:
            raise TraceError(f"panicked at {settings.layer_difference}")

    assert layers_of(Failing(two_tones(24).logo), 12) is None
