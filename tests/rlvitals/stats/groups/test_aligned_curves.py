"""Curves of runs on a common axis."""

import math

import numpy as np

from rlvitals.stats.groups.aligned_curves import area, block_means, last_values

ONE = ([10, 20, 30, 40], [1.0, 2.0, 3.0, 4.0])
OTHER = ([15, 35], [10.0, 30.0])


def test_a_block_is_the_mean_of_its_values() -> None:
    """A block includes its upper edge, and is NaN for a run without values in it."""
    found = block_means([ONE, OTHER], [0, 20, 30, 40])

    assert found.places.tolist() == [20, 30, 40]
    assert np.array_equal(found.values, [[1.5, 3, 4], [10, np.nan, 30]], equal_nan=True)
    assert found.contributing.tolist() == [2, 1, 2]


def test_the_last_value_holds_until_the_next() -> None:
    """A run has no values before its first or after its last one."""
    found = last_values([ONE, OTHER], [5, 10, 34, 35, 40, 41])

    assert np.array_equal(
        found.values, [[np.nan, 1, 3, 3, 4, np.nan], [np.nan, np.nan, 10, 30, np.nan, np.nan]], equal_nan=True
    )
    assert found.contributing.tolist() == [0, 1, 2, 2, 1, 0]


def test_last_values_are_not_interpolated() -> None:
    """For runs logged at different steps, only measured values are returned."""
    generator = np.random.default_rng(0)
    runs = [(np.sort(generator.integers(0, 1000, 40)), generator.normal(size=40)) for _ in range(5)]
    found = last_values(runs, np.arange(0, 1000, 7))

    for row, (_, values) in zip(found.values, runs, strict=True):
        assert set(row[~np.isnan(row)]) <= set(values)


def test_rows_can_be_unordered_and_non_finite() -> None:
    """Rows are sorted, and non-finite values are left out."""
    found = block_means([([3, 1, 2], [30.0, 10.0, math.nan])], [0, 1, 2, 3])

    assert np.array_equal(found.values, [[10, np.nan, 30]], equal_nan=True)


def test_the_area_needs_a_curve_without_gaps() -> None:
    """A gap in the middle or an early end is not filled, but the start can be missing."""
    nan = math.nan
    found = area(np.array([[1, 2, 3.0], [nan, 2, 4], [1, nan, 3], [1, 2, nan], [nan, nan, nan]]))

    assert np.array_equal(found, [2, 3, nan, nan, nan], equal_nan=True)
