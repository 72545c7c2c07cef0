"""Actions: conversion between points in the box [-1, 1]^5 and settings of the pipeline."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.pipeline import SETTING_BOUNDS, SETTING_NAMES, WHOLE, Settings

DIMENSIONS: Final = len(SETTING_NAMES)

LOGARITHMIC: Final = frozenset({"tolerance", "grid"})
"""Settings on a logarithmic scale: from 0.2 to 0.4 is the same distance as from 0.4 to 0.8."""

DECIMALS: Final = 4
"""Decimals of a setting. They hide the precision of actions, so that an action represents its setting exactly."""

SPREADS: Final = np.array([2.5 if name in WHOLE else 1.0 for name in SETTING_NAMES])
"""Standard deviations of random actions along each axis, relative to each other, shape (5,).

A whole number needs a large change of the action to change at all.
"""


def _scale(name: str, value: float) -> float:
    return math.log(value) if name in LOGARITHMIC else float(value)


_ENDS: Final = {name: (_scale(name, low), _scale(name, high)) for name, (low, high) in SETTING_BOUNDS.items()}


def settings_of(action: NDArray[np.floating]) -> Settings:
    """Return the setting that an action represents: -1 is the lowest allowed value, +1 the highest.

    Whole numbers get equal parts of the axis.

    Args:
        action: Action, shape (5,), in the order of ``SETTING_NAMES``. Values are clipped to [-1, 1].

    Raises:
        ValueError: The shape is wrong, or a value is non-finite.
    """
    if action.shape != (DIMENSIONS,):
        raise ValueError(f"the action must have shape ({DIMENSIONS},), got {action.shape}")
    if not np.isfinite(action).all():
        raise ValueError(f"the action must be finite, got {action.tolist()}")
    values: dict[str, Any] = {}
    for name, coordinate in zip(SETTING_NAMES, action.tolist(), strict=True):
        low, high = _ENDS[name]
        share = 0.5 + 0.5 * min(max(coordinate, -1.0), 1.0)
        if name in WHOLE:
            values[name] = int(min(math.floor(low + share * (high - low + 1)), high))
            continue
        scaled = low + share * (high - low)
        value = math.exp(scaled) if name in LOGARITHMIC else scaled
        lowest, highest = SETTING_BOUNDS[name]
        values[name] = min(max(round(value, DECIMALS), lowest), highest)
    return Settings(**values)


def actions_around(
    action: NDArray[np.floating], spread: float, count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return random actions around one action, in the box.

    Args:
        action: Mean before the actions are clipped to the box, shape (5,).
        spread: Standard deviation in a box from -1 to 1, to be multiplied by ``SPREADS``.
        count: Number of actions.
        rng: Random generator.

    Returns:
        Actions, shape (count, 5).
    """
    return np.asarray(np.clip(rng.normal(action, spread * SPREADS, (count, DIMENSIONS)), -1.0, 1.0), np.float64)


def action_of(settings: Settings) -> NDArray[np.float32]:
    """Return an action that represents a setting, shape (5,): the middle of its part of the axis for a whole number."""
    coordinates = []
    for name in SETTING_NAMES:
        low, high = _ENDS[name]
        value = _scale(name, getattr(settings, name))
        share = (value - low + 0.5) / (high - low + 1) if name in WHOLE else (value - low) / (high - low)
        coordinates.append(2.0 * share - 1.0)
    return np.array(coordinates, np.float32)
