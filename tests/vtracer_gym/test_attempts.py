from __future__ import annotations

import numpy as np
import pytest

from vtracer_gym.attempts import CURVE_WORK, Attempt, PreparedLogo
from vtracer_gym.errors import TraceError
from vtracer_gym.logos import Logo
from vtracer_gym.rasterize import rasterize
from vtracer_gym.samples import sample_logos
from vtracer_gym.similarity import ssim
from vtracer_gym.tracing import DEFAULTS, Parameters


class Unchecked(Parameters):
    """Parameters without validation, to make VTracer panic."""

    def __post_init__(self) -> None:
        pass


class Unreadable(PreparedLogo):
    """A logo with missing encoded pixels."""

    def __init__(self, logo: Logo) -> None:
        super().__init__(logo)
        self._png = b""


def a_logo() -> Logo:
    return sample_logos(1, np.random.default_rng(0), 64)[0]


def test_quality_is_the_ssim_of_the_svg() -> None:
    """The recorded quality is the SSIM of the recorded document."""
    logo = a_logo()
    attempt = PreparedLogo(logo).attempt(DEFAULTS)

    assert attempt.quality == ssim(rasterize(attempt.svg, logo.width, logo.height), logo.pixels)


def test_work_counts_pixels_and_curves() -> None:
    """The predicted time is the number of pixels plus the weighted number of curves."""
    attempt = PreparedLogo(a_logo()).attempt(DEFAULTS)

    assert attempt.work == a_logo().pixels[..., 0].size + CURVE_WORK * attempt.curves


def test_releasing_changes_nothing() -> None:
    """Freed statistics are computed again with the same result."""
    prepared = PreparedLogo(a_logo())
    before = prepared.attempt(DEFAULTS)
    prepared.release()

    assert prepared.attempt(DEFAULTS).quality == before.quality


def test_panic_is_a_failed_attempt() -> None:
    """A real panic of VTracer becomes a failed attempt without raising."""
    values = DEFAULTS.as_dict() | {"color_precision": 0}
    attempt = PreparedLogo(a_logo()).attempt(Unchecked(**values))  # type: ignore[arg-type]

    assert attempt.failure is not None
    assert "panicked" in attempt.failure
    assert (attempt.svg, attempt.quality, attempt.size_bytes) == ("", 0.0, 0)


def test_default_that_fails_is_an_error() -> None:
    """If even the defaults fail on a logo, the error contains its name."""
    with pytest.raises(TraceError, match="simple/sample-0000"):
        _ = Unreadable(a_logo()).default


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_logo(level: int) -> None:
    """A logo of one colour can be traced."""
    attempt = PreparedLogo(Logo("blank", "simple", np.full((20, 30, 3), level, np.uint8))).default

    assert attempt.quality == pytest.approx(1.0, abs=1e-4)


def test_failed_attempt_has_a_reason() -> None:
    """A failed attempt keeps its parameters and its reason."""
    attempt = Attempt.failed(DEFAULTS, "why")

    assert (attempt.parameters, attempt.failure) == (DEFAULTS, "why")
