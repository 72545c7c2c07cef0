"""Block means: blocks partition a series into nearly equal parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.series.blocks import MOST_BLOCKS, block_edges, block_means, finite_part


@given(st.integers(1, 5000))
def test_blocks_contain_every_value_once_and_differ_by_at_most_one(count: int) -> None:
    """At most 48 blocks cover all values from 0 to n."""
    sizes = np.diff(block_edges(count))

    assert sizes.sum() == count
    assert sizes.max() - sizes.min() <= 1
    assert sizes.size <= MOST_BLOCKS


def test_a_short_series_has_one_block_per_value() -> None:
    """Up to 48 values, each value is a block."""

    assert block_edges(48).tolist() == list(range(49))


def test_block_means_match_a_loop() -> None:
    """Each block mean equals the mean of its slice."""
    values = np.random.default_rng(0).standard_normal(203)
    edges = block_edges(203)

    slow = [values[edges[j] : edges[j + 1]].mean() for j in range(edges.size - 1)]
    assert np.allclose(slow, block_means(values, edges))


def test_non_finite_values_and_positions_are_dropped() -> None:
    """A pair is dropped if its value or its position is non-finite."""
    kept = finite_part([1.0, np.nan, 3.0, 4.0], [10.0, 20.0, np.inf, 40.0])

    assert (kept.values.tolist(), kept.positions.tolist(), kept.dropped) == ([1.0, 4.0], [10.0, 40.0], 2)


def test_different_lengths_are_refused() -> None:
    """Two values cannot have three positions."""
    with pytest.raises(ValueError, match="2 values but 3 positions"):
        finite_part([1.0, 2.0], [1.0, 2.0, 3.0])
