"""Describing a sample of numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from rlvitals.stats.series.description import describe

samples = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


def test_a_sample_worked_by_hand() -> None:
    """Of 2, 4, 4, 4, 5, 5, 7, 9 the mean is 5, and the squares of what is left over sum to 32, which is 8 times 2^2."""

    assert describe([2, 4, 4, 4, 5, 5, 7, 9]) == {"mean": 5.0, "std": 2.0, "min": 2.0, "max": 9.0, "median": 4.5}


def test_one_value_has_no_spread() -> None:
    """A single value is its own mean, extremes and median."""

    assert describe([-3.5]) == {"mean": -3.5, "std": 0.0, "min": -3.5, "max": -3.5, "median": -3.5}


def test_an_odd_sample_has_a_middle() -> None:
    """The median of three values is the second, whatever the third."""

    assert describe([1.0, 1e9, 2.0])["median"] == 2.0


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, -math.inf, math.nan], np.empty((0, 3))])
def test_without_a_finite_value_there_is_nothing_to_say(values: ArrayLike) -> None:
    """All is NaN: not zero, which would be a value."""

    assert repr(describe(values)) == "{'mean': nan, 'std': nan, 'min': nan, 'max': nan, 'median': nan}"


def test_what_is_not_finite_is_left_out() -> None:
    """One NaN does not hide the rest of the sample."""

    assert describe([math.nan, 1.0, math.inf, 3.0, -math.inf]) == describe([1.0, 3.0])


def test_beyond_the_greatest_float_nothing_is_raised() -> None:
    """A sum that no float can hold is infinite; the extremes are what they are."""

    described = describe([1.5e308, 1.5e308])
    assert (described["mean"], described["max"]) == (math.inf, 1.5e308)


@pytest.mark.parametrize("values", [(1, 3), np.array([1, 3], dtype=np.int8), np.array([[1.0], [3.0]]), [True, 3]])
def test_any_array_will_do(values: ArrayLike) -> None:
    """What comes out is plain Python, whatever went in."""

    assert repr(describe(values)) == "{'mean': 2.0, 'std': 1.0, 'min': 1.0, 'max': 3.0, 'median': 2.0}"


@given(samples, st.floats(-1e3, 1e3))
def test_shifting_moves_all_but_the_spread(sample: list[float], shift: float) -> None:
    """Adding a constant adds it to everything, and leaves the standard deviation alone."""

    before, after = describe(sample), describe(np.asarray(sample) + shift)
    assert after["std"] == pytest.approx(before["std"], abs=1e-6)
    for name in ("mean", "min", "max", "median"):
        assert after[name] == pytest.approx(before[name] + shift, abs=1e-6)


@given(samples)
def test_it_agrees_with_a_slow_loop(sample: list[float]) -> None:
    """Mean and spread are those of the definition, summed one by one."""

    mean = math.fsum(sample) / len(sample)
    variance = math.fsum((value - mean) ** 2 for value in sample) / len(sample)
    described = describe(sample)
    assert described["mean"] == pytest.approx(mean, abs=1e-6)
    assert described["std"] == pytest.approx(math.sqrt(variance), abs=1e-6)
