"""Forecasts: an interval with the promised coverage, or no forecast."""

import math

import numpy as np
import pytest

from rlvitals.stats.series.forecast import forecast


def _seeded(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_line_without_noise_is_forecast_exactly() -> None:
    """The line y = t reaches 150 at t = 150."""
    found = forecast(np.arange(101.0), 150.0, _seeded())

    assert found.status == "forecast"
    assert np.allclose([found.low, found.position, found.high], 150.0, atol=1.0)


def test_intervals_cover_planted_lines() -> None:
    """At least 90 % of the intervals contain t = 1.2, where the line 5 t in noise of 1 reaches 6."""
    noise = np.random.default_rng(0).standard_normal((30, 2000))

    found = [forecast(5.0 * np.arange(2000) / 2000 + one, 6.0, _seeded()) for one in noise]
    given = [one for one in found if one.status == "forecast"]
    assert len(given) >= 15
    assert np.mean([one.low <= 2400 <= one.high for one in given]) >= 0.9 - 3.0 * math.sqrt(0.09 / len(given))


@pytest.mark.parametrize("target", [1.0, 5.0])
def test_noise_has_no_forecast(target: float) -> None:
    """Noise without a trend has no forecast."""

    assert forecast(np.random.default_rng(1).standard_normal(500), target, _seeded()).status == "no forecast"


def test_a_plateau_below_the_target_has_no_forecast() -> None:
    """A curve that levels off below the target has no forecast."""
    t = np.linspace(0.0, 1.0, 1000)
    values = 10.0 * (1.0 - np.exp(-t / 0.15)) + np.random.default_rng(2).standard_normal(1000)

    assert forecast(values, 11.0, _seeded()).status == "no forecast"


def test_a_distant_target_has_no_forecast() -> None:
    """A target more than one further series length ahead has no forecast."""
    found = forecast(np.arange(200.0), 1000.0, _seeded())

    assert (found.status, found.horizon) == ("no forecast", 398.0)


def test_a_target_below_the_current_level_is_reached() -> None:
    """The current level is beyond the target; for a loss, it is below."""
    values = np.linspace(0.0, 10.0, 200)

    assert forecast(values, 5.0, _seeded()).status == "reached"
    assert forecast(-values, -5.0, _seeded(), higher_is_better=False).status == "reached"


def test_a_falling_series_does_not_reach_a_higher_target() -> None:
    """A falling series moves away from a higher target."""

    assert forecast(np.linspace(10.0, 0.0, 200), 11.0, _seeded()).status == "no forecast"


@pytest.mark.parametrize("values", [[], [1.0] * 39])
def test_fewer_than_forty_values_have_no_forecast(values: list[float]) -> None:
    """39 values are not enough for a forecast."""

    assert forecast(values, 2.0, _seeded()).status == "no forecast"


def test_a_constant_series_stays_at_its_level() -> None:
    """A constant series is either at its target or has no forecast."""

    assert forecast(np.ones(100), 1.0, _seeded()).status == "reached"
    assert forecast(np.ones(100), 1.5, _seeded()).status == "no forecast"


def test_the_same_seed_gives_the_same_forecast() -> None:
    """Another seed gives another forecast."""
    values = 5.0 * np.linspace(0.0, 1.0, 4000) + np.random.default_rng(3).standard_normal(4000)

    first, same, other = (forecast(values, 6.0, _seeded(seed)) for seed in (1, 1, 2))
    assert first.status == "forecast"
    assert first == same
    assert first != other


def test_a_forecast_is_in_the_unit_of_the_positions() -> None:
    """Scaled positions scale the forecast."""
    values = 5.0 * np.linspace(0.0, 1.0, 4000) + np.random.default_rng(3).standard_normal(4000)

    plain, scaled = forecast(values, 6.0, _seeded()), forecast(values, 6.0, _seeded(), 8.0 * np.arange(4000))
    assert math.isclose(8.0 * plain.position, scaled.position)
