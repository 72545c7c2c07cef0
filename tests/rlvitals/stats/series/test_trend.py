"""Trends: correct verdicts, invariances and false alarm rates."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rlvitals.stats.series.trend import FEWEST_VALUES, trend

_OPPOSITE = {"improving": "declining", "declining": "improving"}
_SERIES = st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=120).map(np.array)


def _autoregressive(generator: np.random.Generator, runs: int, length: int, rho: float) -> NDArray[np.float64]:
    """Return stationary AR(1) series of variance 1, shape `(runs, length)`."""
    noise = generator.standard_normal((runs, length)) * math.sqrt(1.0 - rho * rho)
    noise[:, 0] /= math.sqrt(1.0 - rho * rho)
    for t in range(1, length):
        noise[:, t] += rho * noise[:, t - 1]
    return noise


def test_the_slope_of_a_line_without_noise_is_exact() -> None:
    """The line y = 3 + 0.25 x has slope 0.25."""
    found = trend(3.0 + 0.25 * np.arange(30.0))

    assert found.verdict == "improving"
    assert np.allclose([found.slope, found.slope_low, found.slope_high, found.change], [0.25, 0.25, 0.25, 7.25])


def test_positions_set_the_unit_of_the_slope() -> None:
    """Doubling the distances halves the slope and keeps the change."""
    values = np.random.default_rng(0).standard_normal(200) + np.linspace(0.0, 6.0, 200)

    near, far = trend(values), trend(values, 2.0 * np.arange(200.0))
    assert math.isclose(near.slope, 2.0 * far.slope)
    assert math.isclose(near.change, far.change)


def test_unordered_positions_are_sorted() -> None:
    """The same pairs in another order give the same trend."""
    generator = np.random.default_rng(1)
    values, order = generator.standard_normal(60) + np.arange(60.0), generator.permutation(60)

    assert trend(values[order], order) == trend(values, np.arange(60))


@pytest.mark.parametrize("length", [12, 40, 300])
def test_the_slope_in_independent_noise_is_close_to_least_squares(length: int) -> None:
    """In independent noise, the estimate of every family is close to ordinary least squares."""
    x = np.arange(float(length))
    y = np.random.default_rng(2).standard_normal(length) + 0.1 * x

    assert math.isclose(np.polyfit(x, y, 1)[0], trend(y).slope, rel_tol=0.5, abs_tol=1.5 / length)


def test_fewer_than_ten_values_are_not_enough() -> None:
    """Nine values of a perfect line are not enough."""
    found = trend(np.arange(FEWEST_VALUES - 1.0))

    assert found.verdict == "not enough data"
    assert math.isnan(found.slope)


def test_an_empty_series_is_not_enough() -> None:
    """An empty series has no verdict."""

    assert trend([]).verdict == "not enough data"


def test_one_position_is_not_enough() -> None:
    """Values at a single position have no slope."""

    assert trend(np.arange(20.0), np.ones(20)).verdict == "not enough data"


@pytest.mark.parametrize("value", [0.0, -7.5, 1e300, 5e-324])
def test_a_constant_series_is_stable(value: float) -> None:
    """A constant series has no slope, no change and no noise."""
    found = trend(np.full(50, value))

    assert (found.verdict, found.slope, found.effect) == ("stable", 0.0, 0.0)


def test_non_finite_values_are_left_out_and_counted() -> None:
    """The remaining values keep their positions."""
    values = np.arange(40.0)
    values[[3, 17]] = np.nan
    values[25] = np.inf

    found = trend(values)
    assert (found.verdict, found.used, found.dropped) == ("improving", 37, 3)
    assert math.isclose(found.slope, 1.0)


@pytest.mark.parametrize("shape", ["line", "saturating", "step", "success"])
def test_a_clear_rise_is_improving(shape: str) -> None:
    """Lines, curves that level off, steps and success rates are improving."""
    t = np.linspace(0.0, 1.0, 600)
    curves = {"line": 5.0 * t, "saturating": 5.0 * (1.0 - np.exp(-5.0 * t)), "step": 6.0 * (t > 0.5), "success": t}
    generator = np.random.default_rng(4)
    noise = generator.standard_normal(600)

    values = (generator.random(600) < t) * 1.0 if shape == "success" else curves[shape] + noise
    assert trend(values).verdict == "improving"
    assert trend(-values).verdict == "declining"
    assert trend(-values, higher_is_better=False).verdict == "improving"


def test_long_independent_noise_is_stable() -> None:
    """300 values can rule out a change of two standard deviations."""

    assert trend(np.random.default_rng(5).standard_normal(300)).verdict == "stable"


def test_a_short_series_does_not_prove_stability() -> None:
    """12 noisy values show neither a trend nor stability."""

    assert trend(np.random.default_rng(6).standard_normal(12)).verdict == "not enough data"


def test_one_outlier_does_not_hide_a_trend() -> None:
    """An outlier is clipped to four robust standard deviations."""
    values = np.random.default_rng(7).standard_normal(200) + np.linspace(0.0, 8.0, 200)
    values[11] = 1e9

    assert trend(values).verdict == "improving"


def test_a_negligible_trend_can_be_ignored() -> None:
    """A certain trend of a fifth of the noise is stable if the caller declares it negligible."""
    values = np.random.default_rng(8).standard_normal(20_000) + np.linspace(0.0, 0.2, 20_000)

    assert trend(values).verdict == "improving"
    assert trend(values, negligible=0.5).verdict == "stable"


def test_huge_and_tiny_values_keep_their_verdict() -> None:
    """The verdict does not depend on the unit, even at the limits of a double."""
    values = np.arange(50.0) + np.random.default_rng(9).standard_normal(50)

    assert [trend(values * scale).verdict for scale in (1e306, 1.0, 1e-300)] == ["improving"] * 3


@settings(max_examples=60, deadline=None)
@given(_SERIES, st.integers(-40, 40))
def test_scaling_changes_only_the_units(values: NDArray[np.float64], exponent: int) -> None:
    """Scaling by powers of two changes no bit of the result, except for values that underflow."""
    values = np.round(values, 6)
    plain, scaled = trend(values), trend(values * 2.0**exponent)

    assert plain.verdict == scaled.verdict
    assert plain.probability == scaled.probability or math.isnan(plain.probability)
    assert plain.slope * 2.0**exponent == scaled.slope or math.isnan(plain.slope)


@settings(max_examples=60, deadline=None)
@given(_SERIES, st.integers(-1000, 1000))
def test_a_shift_does_not_change_the_verdict(values: NDArray[np.float64], shift: int) -> None:
    """The values are on a grid, so the shift causes no rounding."""
    values = np.round(values * 16.0) / 16.0
    plain, shifted = trend(values), trend(values + shift)

    assert math.isclose(plain.probability, shifted.probability, abs_tol=1e-6) or math.isnan(plain.probability)
    assert plain.verdict == shifted.verdict or min(abs(plain.probability - p) for p in (0.025, 0.975)) < 1e-6


@settings(max_examples=60, deadline=None)
@given(_SERIES)
def test_the_sign_exchanges_improving_and_declining(values: NDArray[np.float64]) -> None:
    """The test is symmetric in up and down."""
    plain, mirrored = trend(values), trend(-values)

    assert _OPPOSITE.get(plain.verdict, plain.verdict) == mirrored.verdict
    assert math.isclose(plain.probability, 1.0 - mirrored.probability, abs_tol=1e-9) or math.isnan(plain.probability)


@pytest.mark.parametrize(("length", "rho"), [(10, 0.9), (20, 0.9), (49, 0.9), (100, 0.5), (300, 0.0)])
def test_noise_is_rarely_called_a_trend(length: int, rho: float) -> None:
    """At most 5 % of 250 seeded series have a trend, within 3 binomial standard deviations."""
    noise = _autoregressive(np.random.default_rng(10), 250, length, rho)

    alarms = sum(trend(series).verdict in _OPPOSITE for series in noise)
    assert alarms / 250 <= 0.05 + 3.0 * math.sqrt(0.05 * 0.95 / 250)


def test_the_interval_covers_a_planted_slope() -> None:
    """It covers in at least 95 % of 200 series in autocorrelated noise, within 3 binomial standard deviations."""
    noise = _autoregressive(np.random.default_rng(11), 200, 120, 0.6)

    found = [trend(series + 0.03 * np.arange(120.0)) for series in noise]
    covered = sum(one.slope_low <= 0.03 <= one.slope_high for one in found)
    assert covered / 200 >= 0.95 - 3.0 * math.sqrt(0.05 * 0.95 / 200)


def test_an_unknown_change_has_no_effect_size() -> None:
    """Too few values have no change and no effect size."""

    assert math.isnan(trend([1.0, 2.0]).effect)
