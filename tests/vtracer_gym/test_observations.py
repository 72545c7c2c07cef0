from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vtracer_gym.actions import DIMENSIONS
from vtracer_gym.attempts import FAILED, Attempt
from vtracer_gym.features import FEATURE_NAMES
from vtracer_gym.observations import OBSERVATION_BOUND, OBSERVATION_NAMES, described, observed
from vtracer_gym.pipeline import Settings

FIRST = Attempt(Settings(), "<svg/>", replace(FAILED, quality=0.9, detail=0.8), 1000, 3, 9)


def test_the_first_drawing_is_the_reference() -> None:
    """Described relative to itself, the first drawing has no difference in size, errors and reward."""
    assert described(FIRST, 0.0, FIRST)[DIMENSIONS:].tolist() == [0.0] * 5


def test_half_of_the_bytes() -> None:
    """Half of the bytes of the first drawing are log 2, and the reward is kept."""
    half = replace(FIRST, size_bytes=500)

    assert described(half, 0.7, FIRST)[DIMENSIONS:].tolist() == pytest.approx([np.log(2), 0, 0, 0.7, 0])


def test_a_failed_attempt() -> None:
    """A failed attempt has no measured differences and is marked."""
    failed = Attempt.failed(Settings(), "panicked")

    assert described(failed, -3.0, FIRST)[DIMENSIONS:].tolist() == [0, 0, 0, -3, 1]
    assert described(FIRST, 0.0, failed)[DIMENSIONS:].tolist() == [0] * 5


def test_observations_are_bounded() -> None:
    """An observation has its names' length and is clipped to the bound."""
    best = described(FIRST, 100.0, FIRST)
    seen = observed(np.zeros(len(FEATURE_NAMES), np.float32), best, best, 1.0)

    assert seen.shape == (len(OBSERVATION_NAMES),)
    assert seen.max() == OBSERVATION_BOUND
    assert seen[-1] == 1.0
