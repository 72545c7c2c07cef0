"""Descriptive statistics of a sample."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from rlvitals.stats.series.description import describe

samples = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def test_a_sample_worked_by_hand() -> None:
    """For 2, 4, 4, 4, 5, 5, 7, 9 the mean is 5, and the squared deviations sum to 32, which is 8 times 2^2."""

    assert describe([2, 4, 4, 4, 5, 5, 7, 9]) == {"mean": 5.0, "std": 2.0, "min": 2.0, "max": 9.0, "median": 4.5}


def test_one_value_has_no_spread() -> None:
    """A single value is its own mean, extremes and median."""

    assert describe([-3.5]) == {"mean": -3.5, "std": 0.0, "min": -3.5, "max": -3.5, "median": -3.5}


def test_the_median_of_three_values_is_the_second() -> None:
    """The median ignores the size of the largest value."""

    assert describe([1.0, 1e9, 2.0])["median"] == 2.0


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, -math.inf, math.nan], np.empty((0, 3))])
def test_without_a_finite_value_all_statistics_are_nan(values: ArrayLike) -> None:
    """The statistics are NaN rather than zero, which would be a value."""

    assert repr(describe(values)) == "{'mean': nan, 'std': nan, 'min': nan, 'max': nan, 'median': nan}"


def test_non_finite_values_are_left_out() -> None:
    """One NaN does not hide the remaining values."""

    assert describe([math.nan, 1.0, math.inf, 3.0, -math.inf]) == describe([1.0, 3.0])


def test_an_overflowing_sum_does_not_raise() -> None:
    """A sum beyond the largest float is infinite, and the extremes stay correct."""

    described = describe([1.5e308, 1.5e308])
    assert (described["mean"], described["max"]) == (math.inf, 1.5e308)


@pytest.mark.parametrize("values", [(1, 3), np.array([1, 3], dtype=np.int8), np.array([[1.0], [3.0]]), [True, 3]])
def test_any_array_type_is_accepted(values: ArrayLike) -> None:
    """The result is plain Python for every input type."""

    assert repr(describe(values)) == "{'mean': 2.0, 'std': 1.0, 'min': 1.0, 'max': 3.0, 'median': 2.0}"


@given(samples, st.floats(-1e3, 1e3))
def test_a_shift_changes_everything_except_the_spread(sample: list[float], shift: float) -> None:
    """Adding a constant adds it to every statistic except the standard deviation."""

    before, after = describe(sample), describe(np.asarray(sample) + shift)
    assert after["std"] == pytest.approx(before["std"], abs=1e-6)
    for name in ("mean", "min", "max", "median"):
        assert after[name] == pytest.approx(before[name] + shift, abs=1e-6)


@given(samples)
def test_it_agrees_with_a_slow_loop(sample: list[float]) -> None:
    """Mean and standard deviation match their definitions, summed in a loop."""

    mean = math.fsum(sample) / len(sample)
    variance = math.fsum((value - mean) ** 2 for value in sample) / len(sample)
    described = describe(sample)
    assert described["mean"] == pytest.approx(mean, abs=1e-6)
    assert described["std"] == pytest.approx(math.sqrt(variance), abs=1e-6)
