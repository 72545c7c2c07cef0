"""Observations of the agent: features of a logo, its best and its last attempt, and the share of attempts left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.actions import DIMENSIONS, action_of
from vtracer_gym.features import FEATURE_NAMES, relative_to_first
from vtracer_gym.pipeline import Settings

if TYPE_CHECKING:
    from vtracer_gym.attempts import Attempt

OBSERVATION_BOUND: Final = 5.0
"""Observations are clipped to this magnitude so that an unusual logo does not destabilise the network."""

MOST_SCALED: Final = 2.5
"""Standardized features are clipped to this magnitude, so that an unusual logo gets no unusual setting."""

_TRIED: Final = ("size", "error", "detail_error", "reward", "failed")

OBSERVATION_NAMES: Final = (
    *FEATURE_NAMES,
    *(f"best_action_{index}" for index in range(DIMENSIONS)),
    *(f"best_{name}" for name in _TRIED),
    *(f"last_action_{index}" for index in range(DIMENSIONS)),
    *(f"last_{name}" for name in _TRIED),
    "attempts_left",
)
"""Names of the observation's elements in order."""

Observation = NDArray[np.float32]


def described(attempt: Attempt, reward: float, first: Attempt) -> Observation:
    """Describe an attempt relative to the first drawing, so that no trace with VTracer's defaults is needed.

    Args:
        attempt: Attempt with a setting of the pipeline.
        reward: Reward of the attempt.
        first: First drawing of the same logo.

    Returns:
        Action, logarithms of the ratios of bytes and errors, reward, and whether the attempt failed; shape (10,).
    """
    assert isinstance(attempt.setting, Settings)
    outcome = [*relative_to_first(attempt, first), reward, float(attempt.failure is not None)]
    return np.concatenate([action_of(attempt.setting), np.array(outcome, np.float32)])


def observed(features: Observation, best: Observation, last: Observation, left: float) -> Observation:
    """Return an observation, shape (41,).

    Args:
        features: Features of the logo and of three drawings of it.
        best: Description of the best attempt so far; before the first attempt, of the first drawing.
        last: Description of the last attempt; before the first attempt, of the first drawing.
        left: Share of attempts that remain.
    """
    seen = np.concatenate([features, best, last, np.array([left], np.float32)])
    return np.asarray(np.clip(seen, -OBSERVATION_BOUND, OBSERVATION_BOUND), np.float32)
