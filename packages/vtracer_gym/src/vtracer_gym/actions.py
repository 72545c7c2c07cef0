"""Actions: conversion between points in the box [-1, 1]^8 and VTracer parameters."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.tracing import BOUNDS, DEFAULTS, PARAMETER_NAMES, Parameters

DIMENSIONS: Final = len(PARAMETER_NAMES)

LOGARITHMIC: Final = frozenset({"layer_difference", "max_iterations"})
"""Parameters on a logarithmic scale: from 2 to 4 is the same distance as from 32 to 64."""

UNCENTRED: Final = frozenset({"path_precision"})
"""Parameters with a default at the end of the range, so that the default is not the centre of the action axis."""


def _scale(name: str, value: float) -> float:
    return math.log(value) if name in LOGARITHMIC else float(value)


def _corners(name: str) -> tuple[float, float, float]:
    """Return the scaled values at -1, 0 and +1."""
    low, high = (_scale(name, bound) for bound in BOUNDS[name])
    middle = 0.5 * (low + high) if name in UNCENTRED else _scale(name, getattr(DEFAULTS, name))
    return low, middle, high


_CORNERS: Final = {name: _corners(name) for name in PARAMETER_NAMES}


def parameters_of(action: NDArray[np.floating]) -> Parameters:
    """Return the parameters that an action represents.

    Each coordinate is piecewise linear: -1 is the lowest allowed value, +1 the highest, and 0 is VTracer's default. An
    untrained policy with mean 0 therefore explores around the defaults. ``path_precision`` is linear.

    Args:
        action: Action, shape (8,), in the order of ``PARAMETER_NAMES``. Values are clipped to [-1, 1].

    Raises:
        ValueError: The shape is wrong, or a value is non-finite.
    """
    if action.shape != (DIMENSIONS,):
        raise ValueError(f"the action must have shape ({DIMENSIONS},), got {action.shape}")
    if not np.isfinite(action).all():
        raise ValueError(f"the action must be finite, got {action.tolist()}")
    values: dict[str, float] = {}
    # Plain arithmetic, because np.interp on scalars would take as long as the SSIM of a small logo.
    for name, coordinate in zip(PARAMETER_NAMES, action.tolist(), strict=True):
        lowest, middle, highest = _CORNERS[name]
        along = min(max(coordinate, -1.0), 1.0)
        scaled = middle + along * (highest - middle if along > 0.0 else middle - lowest)
        value = math.exp(scaled) if name in LOGARITHMIC else scaled
        low, high = BOUNDS[name]
        rounded = value if name == "length_threshold" else round(value)
        values[name] = min(max(rounded, low), high)
    return Parameters(
        filter_speckle=int(values["filter_speckle"]),
        color_precision=int(values["color_precision"]),
        layer_difference=int(values["layer_difference"]),
        corner_threshold=int(values["corner_threshold"]),
        length_threshold=values["length_threshold"],
        max_iterations=int(values["max_iterations"]),
        splice_threshold=int(values["splice_threshold"]),
        path_precision=int(values["path_precision"]),
    )


def action_of(parameters: Parameters) -> NDArray[np.float32]:
    """Return the action that represents the parameters, shape (8,). This is the inverse of ``parameters_of``."""
    coordinates = []
    for name in PARAMETER_NAMES:
        lowest, middle, highest = _CORNERS[name]
        beyond = _scale(name, getattr(parameters, name)) - middle
        coordinates.append(beyond / (highest - middle if beyond > 0.0 else middle - lowest))
    return np.array(coordinates, np.float32)
