"""Convergence: planted plateaus are found, and slow climbs and flat noise are not converged."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rlvitals.stats.series.convergence import convergence


def _autoregressive(generator: np.random.Generator, runs: int, length: int, rho: float) -> NDArray[np.float64]:
    """Return stationary AR(1) series of variance 1, shape `(runs, length)`."""
    noise = generator.standard_normal((runs, length)) * math.sqrt(1.0 - rho * rho)
    noise[:, 0] /= math.sqrt(1.0 - rho * rho)
    for t in range(1, length):
        noise[:, t] += rho * noise[:, t - 1]
    return noise


def _saturating(length: int, pace: float) -> NDArray[np.float64]:
    """Return 10 (1 - exp(-t / pace)), t from 0 to 1."""
    return 10.0 * (1.0 - np.exp(-np.linspace(0.0, 1.0, length) / pace))


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_a_saturating_curve_has_converged(rho: float) -> None:
    """The plateau starts within a tenth of the end of the curve, at 23 % of the run (+-15 %), at a level of 10."""
    series = _autoregressive(np.random.default_rng(0), 20, 1000, rho) + _saturating(1000, 0.1)

    found = [convergence(one) for one in series]
    assert sum(one.converged for one in found) >= 19
    assert abs(float(np.median([one.since for one in found])) - 230) < 150
    assert np.allclose([one.level.estimate for one in found], 10.0, atol=0.6)


def test_a_step_converges_at_the_step() -> None:
    """The position is correct within 2 % of the run, and level, gain and noise are as planted."""
    found = convergence(10.0 * (np.arange(1000) >= 400) + np.random.default_rng(1).standard_normal(1000))

    assert found.converged
    assert abs(found.since - 400) <= 20
    assert np.allclose([found.level.estimate, found.gain, found.stability], [10.0, 10.0, 1.0], atol=0.3)
    assert found.level.low < 10.0 < found.level.high
    assert abs(found.drift.estimate) < 1.0


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_a_rise_that_ends_early_has_converged(rho: float) -> None:
    """A ramp over the first quarter is neither a line nor a step, but its plateau differs from its start."""
    ramp = 10.0 * np.minimum(1.0, np.arange(1000) / 250)

    found = [convergence(one + ramp) for one in _autoregressive(np.random.default_rng(6), 20, 1000, rho)]
    assert sum(one.converged for one in found) >= 19
    assert 200 < float(np.median([one.since for one in found])) < 300


@pytest.mark.parametrize("climb", [1.0, 3.0, 10.0])
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_a_slow_climb_has_not_converged(climb: float, rho: float) -> None:
    """None of 10 series converges at any noise, and most are improving if the noise allows it."""
    series = _autoregressive(np.random.default_rng(2), 10, 1000, rho) + np.linspace(0.0, climb, 1000)

    statuses = [convergence(one).status for one in series]
    assert "converged" not in statuses
    assert statuses.count("improving") >= 8 or rho == 0.9


def test_flat_noise_is_flat() -> None:
    """A series that never moved is neither improving nor converged; up to 5 % can be misclassified."""
    series = np.random.default_rng(3).standard_normal((20, 1000))

    statuses = [convergence(one).status for one in series]
    assert statuses.count("flat") >= 17
    assert "converged" not in statuses


def test_a_lost_level_is_reported() -> None:
    """The result contains the position of the loss, and the distance of the level from the best."""
    t = np.arange(1000)
    values = 10.0 * (t >= 200) - 6.0 * (t >= 500) + np.random.default_rng(4).standard_normal(1000)

    found = convergence(values)
    assert abs(found.regressed - 500) <= 20
    assert abs(found.below_best - 6.0) < 0.6
    assert abs(found.best - 10.0) < 0.6


def test_lower_is_better_for_a_loss() -> None:
    """A falling loss is improving, and a rise is a regression."""
    t = np.arange(1000)
    values = -10.0 * (t >= 200) + 6.0 * (t >= 500) + np.random.default_rng(4).standard_normal(1000)

    found = convergence(values, higher_is_better=False)
    assert abs(found.best + 10.0) < 0.6
    assert abs(found.below_best - 6.0) < 0.6
    assert convergence(np.linspace(1.0, 0.0, 50), higher_is_better=False).status == "improving"


def test_a_constant_series_is_flat() -> None:
    """It is flat from the start, at its value, without noise."""
    found = convergence(np.full(40, -3.0))

    assert (found.status, found.since, found.level.estimate, found.stability) == ("flat", 0.0, -3.0, 0.0)


@pytest.mark.parametrize("values", [[], [1.0] * 19, [math.nan] * 100])
def test_too_few_values_are_not_enough(values: list[float]) -> None:
    """Fewer than 20 finite values are not enough."""

    assert convergence(values).status == "not enough data"


def test_a_short_noisy_run_is_not_enough() -> None:
    """30 noisy values do not prove a plateau."""

    assert convergence(np.random.default_rng(5).standard_normal(30)).status == "not enough data"


def test_the_start_of_the_plateau_is_in_the_unit_of_the_positions() -> None:
    """Scaled positions scale the start of the plateau."""
    values = 10.0 * (np.arange(1000) >= 400) + np.random.default_rng(1).standard_normal(1000)

    assert convergence(values, 8.0 * np.arange(1000)).since == 8.0 * convergence(values).since


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(-30, 30))
def test_scaling_changes_only_the_units(seed: int, exponent: int) -> None:
    """The values are scaled by powers of two."""
    values = _saturating(200, 0.1) + np.random.default_rng(seed).standard_normal(200)

    plain, scaled = convergence(values), convergence(values * 2.0**exponent)
    assert (plain.status, plain.since) == (scaled.status, scaled.since) or math.isnan(plain.since)
    assert math.isclose(plain.level.estimate * 2.0**exponent, scaled.level.estimate)
