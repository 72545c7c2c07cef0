"""The middle 80 % of a series, stretch by stretch."""

import math

import numpy as np

from rlvitals.stats.series.middle_band import middle_band


def test_a_band_holds_eight_of_ten_values_of_each_stretch() -> None:
    """By hand: of 1 to 10 the first and the last value are outside, and values that are not finite do not count."""
    values = np.array([*range(1, 11), math.nan, *range(101, 110), math.inf, 110.0])
    found = middle_band(values, np.arange(22.0), 2)

    assert found.positions.tolist() == [5.0, 16.0]
    assert (found.low.tolist(), found.high.tolist()) == ([1.0, 101.0], [9.0, 109.0])


def test_a_stretch_without_finite_values_is_left_out() -> None:
    """A band of nothing is empty."""
    found = middle_band(np.array([math.nan, math.inf, 1.0, 1.0]), np.arange(4.0), 2)

    assert [column.tolist() for column in found] == [[3.0], [1.0], [1.0]]
    assert [column.tolist() for column in middle_band(np.full(4, math.nan), np.arange(4.0), 2)] == [[], [], []]


def test_a_sample_of_a_long_stretch_is_enough() -> None:
    """Every second value of a thousand has nearly the same quantiles."""
    values = np.random.default_rng(0).normal(size=1_000)
    every, sampled = (middle_band(values, np.arange(1_000.0), 1, most=most) for most in (None, 500))

    assert np.allclose(every, sampled, atol=0.2)
