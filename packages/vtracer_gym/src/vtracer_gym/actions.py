"""Actions: a point in the box [-1, 1]^8 stands for one combination of VTracer's parameters."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vtracer_gym.tracing import BOUNDS, DEFAULTS, PARAMETER_NAMES, Parameters

DIMENSIONS: Final = len(PARAMETER_NAMES)

LOGARITHMIC: Final = frozenset({"layer_difference", "max_iterations"})
"""Parameters that act by ratio: from 2 to 4 is as far as from 32 to 64."""

UNCENTRED: Final = frozenset({"path_precision"})
"""Its default is the end of its range, so that it cannot be the middle."""


def _scale(name: str, value: float) -> float:
    return math.log(value) if name in LOGARITHMIC else float(value)


def _corners(name: str) -> tuple[float, float, float]:
    """The scaled values at -1, 0 and +1."""
    low, high = (_scale(name, bound) for bound in BOUNDS[name])
    middle = 0.5 * (low + high) if name in UNCENTRED else _scale(name, getattr(DEFAULTS, name))
    return low, middle, high


_CORNERS: Final = {name: _corners(name) for name in PARAMETER_NAMES}


def parameters_of(action: NDArray[np.floating]) -> Parameters:
    """The parameters that an action stands for.

    Each coordinate is piecewise linear: -1 is the lowest value allowed, +1 the highest, and 0 is VTracer's default, so
    that an untrained policy, whose mean is 0, searches around the defaults. ``path_precision`` is plainly linear.

    Args:
        action: shape (8,), in the order of ``PARAMETER_NAMES``; clipped to [-1, 1].

    Raises:
        ValueError: another shape, or a value that is not finite.
    """
    if action.shape != (DIMENSIONS,):
        raise ValueError(f"an action has shape ({DIMENSIONS},), not {action.shape}")
    if not np.isfinite(action).all():
        raise ValueError(f"an action has to be finite, not {action.tolist()}")
    values: dict[str, float] = {}
    # Plain arithmetic: np.interp on single numbers would cost as much as the similarity of a small logo.
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
    """The action that stands for these parameters, shape (8,): the inverse of ``parameters_of``."""
    coordinates = []
    for name in PARAMETER_NAMES:
        lowest, middle, highest = _CORNERS[name]
        beyond = _scale(name, getattr(parameters, name)) - middle
        coordinates.append(beyond / (highest - middle if beyond > 0.0 else middle - lowest))
    return np.array(coordinates, np.float32)
