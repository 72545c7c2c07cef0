"""Mean outcome by two parameters."""

import math

import numpy as np
import pytest

from rlvitals.stats.parameters.cell_means import OTHER, CellMeans, cell_means
from rlvitals.stats.parameters.parameter_columns import parameter_column


def grid(x: list[object], y: list[object], outcome: list[float], most: int = 8) -> CellMeans:
    return cell_means(parameter_column("x", x), parameter_column("y", y), outcome, most_values=most, ranges=4)


def test_a_cell_is_the_mean_of_its_rows() -> None:
    """By hand, two numbers by two strings give the means, and incomplete rows do not count."""
    found = grid([1, 1, 2, 2, None, 2], ["a", "b", "b", "b", "a", "a"], [1.0, 2.0, 3.0, 5.0, 9.0, math.nan])

    assert (found.x.values, found.y.values) == ((1, 2), ("a", "b"))
    assert found.counts.tolist() == [[1, 0], [1, 2]]
    assert np.array_equal(found.means, [[1.0, math.nan], [2.0, 4.0]], equal_nan=True)


def test_many_numbers_are_binned_in_equal_ranges() -> None:
    """Both ends are included."""
    found = grid(list(range(9)), [True] * 9, list(range(9)))

    assert found.x.edges.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert (found.counts.tolist(), found.means.tolist()) == ([[2, 2, 2, 3]], [[0.5, 2.5, 4.5, 7.0]])


def test_many_strings_share_the_last_bin() -> None:
    """Strings have no order for ranges."""
    found = grid(list("abcde"), [1] * 5, [1.0, 2.0, 3.0, 4.0, 5.0], most=3)

    assert found.x.values == ("a", "b", OTHER)
    assert found.means.tolist() == [[1.0, 2.0, 4.0]]


@pytest.mark.parametrize("outcome", [[], [math.nan]])
def test_a_grid_without_rows_has_an_empty_cell(outcome: list[float]) -> None:
    """No rows, or none with an outcome, give one empty cell."""
    found = grid([1] * len(outcome), [2] * len(outcome), outcome)

    assert found.counts.tolist() == [[0]]
    assert np.isnan(found.means).all()
