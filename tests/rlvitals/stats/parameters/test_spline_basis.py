"""Spline basis of a parameter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.parameters.parameter_columns import parameter_column
from rlvitals.stats.parameters.spline_basis import basis_of, ranked


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=40))
def test_mid_ranks_match_a_loop(values: list[int]) -> None:
    """A slow loop counts, for each value, the lower and the equal values."""

    slow = [(sum(y < x for y in values) + (sum(y == x for y in values) - 1) / 2) / (len(values) - 1) for x in values]
    expected = slow if len(set(values)) > 1 else [0.0] * len(values)
    assert ranked(np.array(values, dtype=float)).tolist() == pytest.approx(expected)


def test_a_line_in_rank_is_a_sum_of_hats() -> None:
    """The weights are the heights at the knots, also for a curve that bends only at knots."""

    basis = basis_of(parameter_column("p", np.random.default_rng(0).random(200)), 7)
    assert basis.ranks is not None
    assert basis.columns.shape == (200, 6)
    assert basis.columns @ np.linspace(0, 1, 7)[1:] == pytest.approx(basis.ranks)
    bent = np.abs(basis.ranks - 0.5)
    assert basis.columns @ (np.abs(np.linspace(0, 1, 7) - 0.5) - 0.5)[1:] + 0.5 == pytest.approx(bent)


def test_few_values_have_one_column_each() -> None:
    """The first value has no column."""

    basis = basis_of(parameter_column("p", [2, 5, 2, 9]), 7)
    assert basis.columns.tolist() == [[0, 0], [1, 0], [0, 0], [0, 1]]
    assert basis.places == (2, 5, 9)


def test_missing_values_have_a_separate_column() -> None:
    """They are zero in the other columns."""

    basis = basis_of(parameter_column("p", [2, None, 5]), 3)
    assert basis.columns.tolist() == [[0], [0], [1]]
    assert basis.gaps.tolist() == [[0], [1], [0]]


def test_rare_strings_share_a_level() -> None:
    """The two most frequent of four have columns, and the remaining ones are combined."""

    basis = basis_of(parameter_column("p", ["a", "b", "b", "c", "c", "d"]), 3)
    assert basis.places == ("others", "b", "c")
    assert basis.columns.tolist() == [[0, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 0]]
    assert basis.ranks is None


@given(st.lists(st.floats(-30, 30), min_size=10, max_size=50, unique=True))
def test_monotonic_transformations_change_nothing(values: list[float]) -> None:
    """Only the ranks of the values matter."""

    spread = sorted(values)
    grid = {value: index for index, value in enumerate(spread)}
    plain = basis_of(parameter_column("p", values), 5)
    moved = basis_of(parameter_column("p", [np.exp(grid[value] / 7) + 0.001 for value in values]), 5)
    assert plain.columns.tolist() == moved.columns.tolist()
