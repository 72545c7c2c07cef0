"""Moving averages, compared with loops."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.series.averages import exponential_average, time_exponential_average, windowed_average

_VALUES = st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan), st.just(math.inf)), max_size=60)


@given(_VALUES, st.integers(1, 70))
def test_the_windowed_average_is_the_mean_of_the_last_values(values: list[float], window: int) -> None:
    """It equals a loop over the finite values of each window."""
    slow = []
    for t in range(len(values)):
        part = [v for v in values[max(0, t - window + 1) : t + 1] if math.isfinite(v)]
        slow.append(sum(part) / len(part) if part else math.nan)

    assert np.allclose(slow, windowed_average(values, window), rtol=1e-9, atol=1e-6, equal_nan=True)


@given(_VALUES, st.floats(0.0, 0.999))
def test_the_exponential_average_matches_the_recursion_of_adam(values: list[float], smoothing: float) -> None:
    """It equals m = s m + (1 - s) y, divided by 1 - s^t, and skips non-finite values."""
    slow, moment, steps = [], 0.0, 0
    for value in values:
        if math.isfinite(value):
            moment, steps = smoothing * moment + (1.0 - smoothing) * value, steps + 1
        slow.append(moment / (1.0 - smoothing**steps) if steps else math.nan)

    assert np.allclose(slow, exponential_average(values, smoothing), rtol=1e-7, atol=1e-5, equal_nan=True)


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0.0, 50.0)), max_size=40), st.floats(0.1, 100.0))
def test_the_time_average_weights_values_by_age(pairs: list[tuple[float, float]], half_life: float) -> None:
    """It equals a loop over all previous values with weights 2^(-age / half-life)."""
    values = [value for value, _ in pairs]
    times = np.cumsum([gap for _, gap in pairs])

    slow = []
    for t in range(len(values)):
        weights = [2.0 ** (-(times[t] - times[i]) / half_life) for i in range(t + 1)]
        slow.append(sum(w * v for w, v in zip(weights, values[: t + 1], strict=True)) / sum(weights))
    assert np.allclose(slow, time_exponential_average(values, times, half_life), rtol=1e-9, atol=1e-7)


def test_the_time_average_with_equal_steps_is_the_exponential_average() -> None:
    """With s = 2^(-d / h), both are equal over many chunks of a long series."""
    values = np.random.default_rng(0).standard_normal(5000)

    plain = exponential_average(values, 2.0 ** (-3.0 / 40.0))
    assert np.allclose(plain, time_exponential_average(values, 3.0 * np.arange(5000), 40.0))


def test_zero_smoothing_returns_the_values() -> None:
    """With s = 0, the average equals the latest finite value."""

    assert np.allclose([3.0, 3.0, 1e300, -2.0], exponential_average([3.0, math.nan, 1e300, -2.0], 0.0))


def test_a_constant_series_is_its_own_average() -> None:
    """The average has no bias at the start."""

    assert np.allclose(exponential_average(np.full(2000, 7.0), 0.99), 7.0)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, math.nan])
def test_smoothing_outside_0_to_1_is_refused(smoothing: float) -> None:
    """Smoothing must be in [0, 1)."""
    with pytest.raises(ValueError, match="smoothing"):
        exponential_average([1.0], smoothing)


def test_decreasing_times_are_refused() -> None:
    """An average over the past needs times in order."""
    with pytest.raises(ValueError, match="must not decrease"):
        time_exponential_average([1.0, 2.0], [2.0, 1.0], 1.0)


def test_invalid_windows_half_lives_and_lengths_are_refused() -> None:
    """A window of 0 values, a half-life of 0 and different lengths are refused."""
    with pytest.raises(ValueError, match="at least 1"):
        windowed_average([1.0], 0)
    with pytest.raises(ValueError, match="above 0"):
        time_exponential_average([1.0], [1.0], 0.0)
    with pytest.raises(ValueError, match="1 values but 2 times"):
        time_exponential_average([1.0], [1.0, 2.0], 1.0)
