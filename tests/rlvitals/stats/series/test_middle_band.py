"""Bands of the middle 80 % of a series."""

import math

import numpy as np

from rlvitals.stats.series.middle_band import middle_band


def test_a_band_contains_the_middle_eighty_percent_of_each_part() -> None:
    """By hand, the band of 1 to 10 is from 1 to 9, and non-finite values do not count."""
    values = np.array([*range(1, 11), math.nan, *range(101, 110), math.inf, 110.0])
    found = middle_band(values, np.arange(22.0), 2)

    assert found.positions.tolist() == [5.0, 16.0]
    assert (found.low.tolist(), found.high.tolist()) == ([1.0, 101.0], [9.0, 109.0])


def test_a_part_without_finite_values_is_left_out() -> None:
    """The band of a series without finite values is empty."""
    found = middle_band(np.array([math.nan, math.inf, 1.0, 1.0]), np.arange(4.0), 2)

    assert [column.tolist() for column in found] == [[3.0], [1.0], [1.0]]
    assert [column.tolist() for column in middle_band(np.full(4, math.nan), np.arange(4.0), 2)] == [[], [], []]


def test_a_sample_of_a_long_part_is_enough() -> None:
    """Every second of a thousand values gives nearly the same quantiles."""
    values = np.random.default_rng(0).normal(size=1_000)
    every, sampled = (middle_band(values, np.arange(1_000.0), 1, most=most) for most in (None, 500))

    assert np.allclose(every, sampled, atol=0.2)
