from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtracer_gym.actions import DIMENSIONS, UNCENTRED, action_of, parameters_of
from vtracer_gym.tracing import BOUNDS, DEFAULTS, PARAMETER_NAMES, Parameters

coordinates = st.lists(st.floats(-3, 3, width=32), min_size=DIMENSIONS, max_size=DIMENSIONS)


@given(coordinates)
def test_every_action_is_allowed(values: list[float]) -> None:
    """Any finite action, even outside the box, represents parameters within VTracer's bounds."""
    parameters = parameters_of(np.array(values, np.float32))

    assert all(low <= getattr(parameters, name) <= high for name, (low, high) in BOUNDS.items())


@given(coordinates)
def test_round_trip(values: list[float]) -> None:
    """Converting an action to parameters and back preserves the parameters."""
    parameters = parameters_of(np.array(values, np.float32))
    again = parameters_of(action_of(parameters))

    assert again.as_dict() == pytest.approx(parameters.as_dict(), rel=1e-5)


@pytest.mark.parametrize(("corner", "end"), [(-1.0, 0), (1.0, 1)])
def test_corners_are_the_bounds(corner: float, end: int) -> None:
    """The corners of the box are the lowest and the highest values."""
    parameters = parameters_of(np.full(DIMENSIONS, corner))

    assert parameters.as_dict() == {name: bounds[end] for name, bounds in BOUNDS.items()}


def test_zero_is_the_defaults() -> None:
    """The centre of the box is VTracer's defaults, except for `path_precision`."""
    parameters = parameters_of(np.zeros(DIMENSIONS)).as_dict()

    assert {name for name in PARAMETER_NAMES if parameters[name] != DEFAULTS.as_dict()[name]} == UNCENTRED


def test_layers_are_logarithmic() -> None:
    """Halfway from the default to the highest layer difference is their geometric mean."""
    action = np.zeros(DIMENSIONS)
    action[PARAMETER_NAMES.index("layer_difference")] = 0.5

    assert parameters_of(action).layer_difference == round((16 * 128) ** 0.5)


def test_action_of_the_defaults() -> None:
    """The defaults are at the centre of each axis except the last one, where they are at the end."""
    assert action_of(Parameters()).tolist() == pytest.approx([0, 0, 0, 0, 0, 0, 0, 1])


@pytest.mark.parametrize("action", [np.zeros(7), np.zeros((1, 8)), np.full(8, np.nan), np.full(8, np.inf)])
def test_refuses_invalid_actions(action: np.ndarray) -> None:
    """Actions with a wrong shape or non-finite values are refused."""
    with pytest.raises(ValueError, match="action"):
        parameters_of(action)
