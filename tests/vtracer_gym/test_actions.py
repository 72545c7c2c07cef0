from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtracer_gym.actions import DIMENSIONS, LOGARITHMIC, action_of, settings_of
from vtracer_gym.pipeline import SETTING_BOUNDS, SETTING_NAMES, WHOLE, Settings

coordinates = st.lists(st.floats(-3, 3, width=32), min_size=DIMENSIONS, max_size=DIMENSIONS)


def along(name: str, coordinate: float) -> float:
    """Return the value of one setting at a place on its axis, with all others in the middle."""
    action = np.zeros(DIMENSIONS)
    action[SETTING_NAMES.index(name)] = coordinate
    return settings_of(action).as_dict()[name]


@given(coordinates)
def test_every_action_is_allowed(values: list[float]) -> None:
    """Any finite action, even outside the box, represents a setting within the bounds."""
    settings = settings_of(np.array(values, np.float32)).as_dict()

    assert all(low <= settings[name] <= high for name, (low, high) in SETTING_BOUNDS.items())
    assert all(isinstance(settings[name], int) for name in WHOLE)


@given(coordinates)
def test_round_trip(values: list[float]) -> None:
    """Converting a setting to an action, which has single precision, and back gives the same setting."""
    settings = settings_of(np.array(values, np.float32))
    again = settings_of(action_of(settings))

    assert again == settings


@pytest.mark.parametrize(("corner", "end"), [(-1.0, 0), (1.0, 1)])
def test_corners_are_the_bounds(corner: float, end: int) -> None:
    """The corners of the box are the lowest and the highest values."""
    settings = settings_of(np.full(DIMENSIONS, corner)).as_dict()

    assert settings == pytest.approx({name: bounds[end] for name, bounds in SETTING_BOUNDS.items()})


@pytest.mark.parametrize("name", sorted(LOGARITHMIC))
def test_middle_of_a_logarithmic_axis(name: str) -> None:
    """The middle of a logarithmic axis is the geometric mean of its bounds."""
    low, high = SETTING_BOUNDS[name]

    assert along(name, 0.0) == pytest.approx((low * high) ** 0.5, abs=1e-4)


def test_whole_numbers_get_equal_parts_of_the_axis() -> None:
    """Over the whole axis, each of the three colour precisions is chosen equally often."""
    chosen = [along("color_precision", coordinate) for coordinate in np.linspace(-1, 1, 3000, endpoint=False)]

    assert [chosen.count(value) for value in (5, 6, 7)] == [1000, 1000, 1000]


def test_action_of_a_whole_number_is_in_the_middle_of_its_part() -> None:
    """A small change of the action does not change a whole number."""
    action = action_of(Settings(color_precision=5))

    assert action[SETTING_NAMES.index("color_precision")] == pytest.approx(-2 / 3)


@pytest.mark.parametrize("action", [np.zeros(4), np.zeros((1, 5)), np.full(5, np.nan), np.full(5, np.inf)])
def test_refuses_invalid_actions(action: np.ndarray) -> None:
    """Actions with a wrong shape or non-finite values are refused."""
    with pytest.raises(ValueError, match="action"):
        settings_of(action)
