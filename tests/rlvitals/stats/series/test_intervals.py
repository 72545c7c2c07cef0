"""Confidence intervals of means and rates: textbook values and coverage."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from rlvitals.stats.series.intervals import mean_interval, median_interval, rate_interval, wilson_interval
from rlvitals.stats.series.noise import correlations, regress


def _autoregressive(generator: np.random.Generator, runs: int, length: int, rho: float) -> NDArray[np.float64]:
    """Return stationary AR(1) series of variance 1, shape `(runs, length)`."""
    noise = generator.standard_normal((runs, length)) * math.sqrt(1.0 - rho * rho)
    noise[:, 0] /= math.sqrt(1.0 - rho * rho)
    for t in range(1, length):
        noise[:, t] += rho * noise[:, t - 1]
    return noise


def _least(level: float, runs: int) -> float:
    """Return the lowest coverage that is consistent with the level (3 binomial standard deviations)."""
    return level - 3.0 * math.sqrt(level * (1.0 - level) / runs)


def test_wilson_matches_a_calculation_by_hand() -> None:
    """5 of 10 with z = 1.96: 0.5 -+ 1.96 sqrt(0.025 + 0.0096) / 1.384 = 0.2366, 0.7634."""
    found = wilson_interval(5, 10)

    assert (round(found.low, 4), round(found.high, 4)) == (0.2366, 0.7634)


@pytest.mark.parametrize("trials", [1, 7, 100])
def test_wilson_without_a_success_has_a_closed_form(trials: int) -> None:
    """The interval is [0, z^2 / (n + z^2)]."""
    square = 1.959963984540054**2

    found = wilson_interval(0, trials)
    assert found.low == 0.0
    assert math.isclose(square / (trials + square), found.high)


@given(st.integers(1, 500), st.data())
def test_wilson_solves_its_equation_and_is_symmetric(trials: int, data: st.DataObject) -> None:
    """Its ends p solve |p^ - p| = z sqrt(p (1-p) / n), and failures mirror successes."""
    successes = data.draw(st.integers(0, trials))
    found, mirrored = wilson_interval(successes, trials), wilson_interval(trials - successes, trials)

    for end in (found.low, found.high):
        assert math.isclose(
            abs(successes / trials - end), 1.959963984540054 * math.sqrt(end * (1 - end) / trials), abs_tol=1e-9
        )
    assert math.isclose(found.low, 1.0 - mirrored.high, abs_tol=1e-12)


def test_more_successes_than_trials_are_refused() -> None:
    """Three successes in two trials are refused."""
    with pytest.raises(ValueError, match=r"between 0 and the number of trials \(2\), not 3"):
        wilson_interval(3, 2)


def test_without_trials_there_is_no_rate() -> None:
    """The rate is NaN, and there is not enough data for an interval."""

    assert not wilson_interval(0, 0).enough
    assert math.isnan(rate_interval([]).estimate)


def test_independent_means_use_student_t() -> None:
    """The interval of 1, 2, 3 is 2 -+ 4.303 / sqrt(3)."""
    found = mean_interval([1.0, 2.0, 3.0], independent=True)

    assert (found.estimate, round(found.high - 2.0, 3)) == (2.0, 2.484)


def test_the_variance_of_a_mean_is_the_sum_over_the_correlation_matrix() -> None:
    """Simulation from the mixture shows that the half-width contains 95 %."""
    values = _autoregressive(np.random.default_rng(0), 1, 480, 0.5)[0]
    found = mean_interval(values)

    heights = values.reshape(48, 10).mean(axis=1)
    known = regress(heights, np.ones((48, 1)), 480)
    draws = np.random.default_rng(1).standard_t(47, 200_000)
    inside = sum(
        w * np.mean(np.abs(draws) * math.sqrt(v * c.sum() / 48**2) <= found.high - found.estimate)
        for w, v, c in zip(known.weights, known.variances, correlations(48), strict=True)
    )
    assert abs(inside - 0.95) < 0.003


@pytest.mark.parametrize(("length", "rho"), [(100, 0.0), (300, 0.5), (1000, 0.9)])
def test_intervals_cover_the_mean_at_the_nominal_level(length: int, rho: float) -> None:
    """At least 95 % of the intervals of 300 seeded series cover the mean."""
    found = [mean_interval(one) for one in _autoregressive(np.random.default_rng(2), 300, length, rho)]

    enough = [one for one in found if one.enough]
    assert len(enough) > 250
    assert np.mean([one.low <= 0.0 <= one.high for one in enough]) >= _least(0.95, len(enough))


def test_a_correlated_series_has_a_smaller_effective_size() -> None:
    """The effective size is about (1 - rho) / (1 + rho) of the length."""
    found = [mean_interval(one).effective for one in _autoregressive(np.random.default_rng(3), 50, 3000, 0.5)]

    assert 0.5 * 1000 <= float(np.median(found)) <= 1.3 * 1000


def test_a_short_correlated_series_is_not_enough() -> None:
    """50 strongly correlated values have no interval."""
    found = mean_interval(_autoregressive(np.random.default_rng(4), 1, 50, 0.95)[0])

    assert not found.enough
    assert math.isfinite(found.estimate)


@pytest.mark.parametrize(("length", "rho"), [(20, 0.9), (300, 0.0), (1000, 0.9)])
def test_intervals_cover_the_rate_at_the_nominal_level(length: int, rho: float) -> None:
    """An AR(1) series is above 0.5 for 30.85 % of the time."""
    series = _autoregressive(np.random.default_rng(5), 200, length, rho) > 0.5

    found = [rate_interval(one) for one in series]
    assert np.mean([one.low <= 0.30854 <= one.high for one in found]) >= _least(0.95, 200)


def test_independent_rates_use_wilson() -> None:
    """They use the plain number of trials."""
    outcomes = [True, False, True, True]

    assert rate_interval(outcomes, independent=True)[:3] == wilson_interval(3, 4)[:3]


def test_a_long_series_of_failures_is_informative() -> None:
    """The upper end is below 1 % for a thousand failures, and above 50 % for ten."""

    assert rate_interval(np.zeros(1000)).high < 0.01
    assert rate_interval(np.zeros(10)).high > 0.5


def test_equal_values_have_an_exact_mean() -> None:
    """Non-finite values do not count."""

    assert mean_interval([2.5] * 20 + [math.nan])[:3] == (2.5, 2.5, 2.5)


@given(st.integers(0, 1000), st.integers(-40, 40))
def test_the_interval_scales_with_the_values(seed: int, exponent: int) -> None:
    """The interval is proportional to the values up to rounding."""
    values = np.random.default_rng(seed).standard_normal(80)

    plain, scaled = mean_interval(values), mean_interval(values * 2.0**exponent)
    assert np.allclose(np.array(plain[:3]) * 2.0**exponent, scaled[:3], rtol=1e-9, atol=0.0, equal_nan=True)


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_intervals_cover_the_median_at_the_nominal_level(rho: float) -> None:
    """The interval holds for skewed and autocorrelated values: 200 series of 200 lognormal values."""

    draws = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        noise = draws.normal(size=200)
        for at in range(1, 200):
            noise[at] = rho * noise[at - 1] + np.sqrt(1.0 - rho * rho) * noise[at]
        found = median_interval(np.exp(2.0 * noise))
        covered += found.low <= 1.0 <= found.high
    assert covered / 200 >= 0.92


def test_few_values_have_a_median_without_an_interval() -> None:
    """Below 10 values there is no interval, and without values no median."""

    assert median_interval([3.0, 1.0, math.nan, 2.0])[:1] == (2.0,)
    assert not median_interval([1.0] * 9).enough
    assert math.isnan(median_interval([]).estimate)


def test_equal_values_have_an_exact_median() -> None:
    """All values are at the median."""

    assert median_interval([4.0] * 30)[:3] == (4.0, 4.0, 4.0)
