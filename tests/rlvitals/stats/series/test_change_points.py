"""Change points: found where planted, not found in noise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rlvitals.stats.series.change_points import change_points


def _autoregressive(generator: np.random.Generator, runs: int, length: int, rho: float) -> NDArray[np.float64]:
    """Return stationary AR(1) series of variance 1, shape `(runs, length)`."""
    noise = generator.standard_normal((runs, length)) * math.sqrt(1.0 - rho * rho)
    noise[:, 0] /= math.sqrt(1.0 - rho * rho)
    for t in range(1, length):
        noise[:, t] += rho * noise[:, t - 1]
    return noise


def _learnt_and_lost(length: int) -> NDArray[np.float64]:
    """Return a level of 0, of 5 from 20 % on, and of 2 from 70 % on."""
    t = np.arange(length) / length
    return 5.0 * (t >= 0.2) - 3.0 * (t >= 0.7)


def test_a_step_without_noise_is_located_exactly() -> None:
    """Its index and its levels are exact."""
    found = change_points(np.repeat([1.0, 4.0], [37, 63]))

    assert [(c.place, c.before, c.after) for c in found.changes] == [(37, 1.0, 4.0)]


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_start_peak_and_regression_are_reported(rho: float) -> None:
    """Their positions are correct within 3 % of the run, in autocorrelated noise of a third to a fifth of the steps."""
    noise = _autoregressive(np.random.default_rng(0), 1, 1000, rho)[0]

    found = change_points(_learnt_and_lost(1000) + noise)
    assert len(found.changes) == 2
    assert np.allclose([found.started, found.peak, found.regressed], [200, 200, 700], atol=30)
    assert np.allclose(found.levels, [0.0, 5.0, 2.0], atol=0.6)


def test_lower_is_better_for_a_loss() -> None:
    """Negated values of a loss give the same positions."""
    values = _learnt_and_lost(600) + np.random.default_rng(1).standard_normal(600)

    plain, mirrored = change_points(values), change_points(-values, higher_is_better=False)
    assert (plain.started, plain.peak, plain.regressed) == (mirrored.started, mirrored.peak, mirrored.regressed)


def test_a_level_that_returns_is_detected() -> None:
    """A search for single steps would miss a bump in the middle."""
    t = np.arange(900)
    bump = 4.0 * ((t >= 300) & (t < 600))

    found = change_points(bump + np.random.default_rng(2).standard_normal(900))
    assert np.allclose([c.place for c in found.changes], [300, 600], atol=15)


def test_change_points_are_in_the_unit_of_the_positions() -> None:
    """Scaled positions scale the change points."""
    values = np.repeat([0.0, 1.0], 50)

    assert change_points(values, 2048.0 * np.arange(100)).started == 2048.0 * 50


def test_outliers_are_not_change_points() -> None:
    """At most 5 % of 60 series of Student t noise with 2 degrees of freedom have any, allowing for chance."""
    noise = np.random.default_rng(3).standard_t(2, (60, 200))

    assert sum(bool(change_points(series).changes) for series in noise) <= 60 * 0.05 + 3.0 * math.sqrt(60 * 0.05 * 0.95)


@pytest.mark.parametrize(("length", "rho"), [(20, 0.9), (100, 0.9), (300, 0.0)])
def test_noise_rarely_has_change_points(length: int, rho: float) -> None:
    """At most 5 % of 80 seeded series have any, within 3 binomial standard deviations."""
    noise = _autoregressive(np.random.default_rng(4), 80, length, rho)

    assert sum(bool(change_points(series).changes) for series in noise) <= 80 * 0.05 + 3.0 * math.sqrt(80 * 0.05 * 0.95)


def test_a_constant_series_has_one_level() -> None:
    """A constant series has no change points."""
    found = change_points(np.full(30, 2.5))

    assert (found.changes, found.levels, found.enough) == ((), (2.5,), True)


def test_fewer_than_twenty_values_are_not_enough() -> None:
    """19 values are not enough even for an obvious step."""

    assert not change_points(np.repeat([0.0, 1.0], [9, 10])).enough


def test_non_finite_values_are_left_out_and_counted() -> None:
    """The remaining values keep their positions."""
    values = np.repeat([0.0, 1.0], 50)
    values[[10, 70]] = [np.nan, np.inf]

    found = change_points(values)
    assert (found.started, found.used, found.dropped) == (50.0, 98, 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(-30, 30), st.integers(-100, 100))
def test_scale_and_shift_do_not_move_change_points(seed: int, exponent: int, shift: int) -> None:
    """Values in other units have the same change points."""
    values = np.round(64.0 * (_learnt_and_lost(120) + np.random.default_rng(seed).standard_normal(120))) / 64.0

    plain, other = change_points(values), change_points((values + shift) * 2.0**exponent)
    assert [c.place for c in plain.changes] == [c.place for c in other.changes]
