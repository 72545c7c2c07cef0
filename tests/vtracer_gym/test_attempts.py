from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from vtracer_gym.attempts import CLUSTERINGS_KEPT, FAILED, Attempt, PreparedLogo
from vtracer_gym.errors import TraceError
from vtracer_gym.logos import Logo
from vtracer_gym.pipeline import Settings, vectorize
from vtracer_gym.reward import RewardWeights
from vtracer_gym.samples import sample_logos
from vtracer_gym.tracing import DEFAULTS, Parameters


class Unchecked(Parameters):
    """Parameters without validation, to make VTracer panic."""

    def __post_init__(self) -> None:
        pass


class UncheckedSettings(Settings):
    """Settings without validation, to make VTracer panic."""

    def __post_init__(self) -> None:
        pass


class Unreadable(PreparedLogo):
    """A logo whose own picture is missing."""

    _own_picture = b""


def a_logo() -> Logo:
    return sample_logos(1, np.random.default_rng(0), 64)[0]


def test_attempt_is_the_pipeline_measured() -> None:
    """An attempt has the SVG of the pipeline, its size, and its similarity to the logo."""
    logo = a_logo()
    prepared = PreparedLogo(logo)
    attempt = prepared.attempt(Settings())

    assert attempt.svg == vectorize(logo).svg
    assert attempt.size_bytes == len(attempt.svg.encode())
    assert attempt.quality == prepared.measurer.similarity(attempt.svg, 1)


def test_settings_do_not_affect_each_other() -> None:
    """Attempts share the regions of the picture, but their order changes nothing."""
    settings = [Settings(), Settings(grid=5.0)]
    settings += [Settings(filter_speckle=side, color_precision=bits) for side in range(1, 7) for bits in (5, 6, 7)]
    one, other = PreparedLogo(a_logo()), PreparedLogo(a_logo())
    forwards = [one.attempt(setting).svg for setting in settings]
    backwards = [other.attempt(setting).svg for setting in reversed(settings)]

    assert forwards == backwards[::-1]
    assert len(one._regions) == CLUSTERINGS_KEPT


def test_the_picture_is_traced_once_for_each_clustering() -> None:
    """After the first drawing, settings that differ in the curves only do not need the picture."""
    prepared = PreparedLogo(a_logo())
    assert prepared.first.failure is None
    prepared._picture = b""

    assert prepared.attempt(Settings(smoothing=1.0, tolerance=0.5, grid=4.0)).failure is None
    assert prepared.attempt(Settings(color_precision=5)).failure is not None


def test_default_is_vtracer_alone() -> None:
    """The default attempt has VTracer's documented parameters and its own, uncompacted document."""
    default = PreparedLogo(a_logo()).default

    assert default.setting == DEFAULTS
    assert 'version="1.1"' in default.svg


def test_compact_writing_keeps_the_drawing() -> None:
    """The compact document of the defaults is less than half as long and looks the same."""
    prepared = PreparedLogo(a_logo())
    compact = prepared.plain_attempt(DEFAULTS, compact=True)

    assert compact.size_bytes < 0.5 * prepared.default.size_bytes
    assert compact.quality == pytest.approx(prepared.default.quality, abs=0.01)


def test_first_drawing_earns_nothing() -> None:
    """The drawing with the pipeline's default setting earns exactly 0, and the defaults earn less."""
    prepared = PreparedLogo(a_logo())

    assert RewardWeights().reward(prepared.first, prepared).total == 0.0
    assert RewardWeights().reward(prepared.default, prepared).total < 0.0


def test_releasing_changes_nothing() -> None:
    """Freed statistics are computed again with the same result."""
    prepared = PreparedLogo(a_logo())
    before = prepared.attempt(Settings())
    prepared.release()

    assert prepared.attempt(Settings()).measures == before.measures


def test_prepared_logo_can_be_sent_to_another_process() -> None:
    """A released logo survives pickling with its attempts and its regions."""
    prepared = PreparedLogo(a_logo())
    default, first, extremes = prepared.default, prepared.first, prepared.precision_extremes
    prepared.release()
    copy = pickle.loads(pickle.dumps(prepared))  # noqa: S301 - made in this test

    assert (copy.default, copy.first, copy.precision_extremes) == (default, first, extremes)
    assert copy.attempt(Settings()) == first


def test_panic_is_a_failed_attempt() -> None:
    """A real panic of VTracer becomes a failed attempt without raising."""
    attempt = PreparedLogo(a_logo()).attempt(UncheckedSettings(color_precision=0))

    assert attempt.failure is not None
    assert "panicked" in attempt.failure
    assert (attempt.svg, attempt.measures, attempt.size_bytes) == ("", FAILED, 0)


def test_panic_of_vtracer_alone_is_a_failed_attempt() -> None:
    """VTracer's own parameters can panic too."""
    values = DEFAULTS.as_dict() | {"color_precision": 0}
    attempt = PreparedLogo(a_logo()).plain_attempt(Unchecked(**values))  # type: ignore[arg-type]

    assert attempt.failure is not None
    assert "panicked" in attempt.failure


def test_default_that_fails_is_an_error() -> None:
    """If even the defaults fail on a logo, the error contains its name."""
    with pytest.raises(TraceError, match="simple/sample-0000"):
        _ = Unreadable(a_logo()).default


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_logo(level: int) -> None:
    """A logo of one colour can be vectorized, alone and by the pipeline."""
    prepared = PreparedLogo(Logo("blank", "simple", np.full((20, 30, 3), level, np.uint8)))

    assert prepared.default.quality == pytest.approx(1.0, abs=1e-4)
    assert prepared.first.quality == pytest.approx(1.0, abs=1e-4)


def test_failed_attempt_has_a_reason() -> None:
    """A failed attempt keeps its setting and its reason."""
    attempt = Attempt.failed(Settings(), "why")

    assert (attempt.setting, attempt.failure) == (Settings(), "why")


def test_a_coarser_grid_saves_bytes() -> None:
    """Rounding coordinates to fewer positions makes the document shorter."""
    prepared = PreparedLogo(a_logo())
    coarse, fine = (prepared.attempt(replace(Settings(), grid=grid)).size_bytes for grid in (1.5, 5.0))

    assert coarse < fine
