"""Blocks: nothing lost, nothing twice, sizes alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.series.blocks import MOST_BLOCKS, block_edges, block_means, finite_part


@given(st.integers(1, 5000))
def test_blocks_hold_every_value_once_and_differ_by_one(count: int) -> None:
    """From 0 to n, at most 48 of them."""
    sizes = np.diff(block_edges(count))

    assert sizes.sum() == count
    assert sizes.max() - sizes.min() <= 1
    assert sizes.size <= MOST_BLOCKS


def test_short_series_are_their_own_blocks() -> None:
    """Up to 48 values, a block each."""

    assert block_edges(48).tolist() == list(range(49))


def test_means_are_those_of_a_loop() -> None:
    """Block by block."""
    values = np.random.default_rng(0).standard_normal(203)
    edges = block_edges(203)

    slow = [values[edges[j] : edges[j + 1]].mean() for j in range(edges.size - 1)]
    assert np.allclose(slow, block_means(values, edges))


def test_what_is_not_finite_is_dropped_with_its_place() -> None:
    """A value, or a place, that is not finite."""
    kept = finite_part([1.0, np.nan, 3.0, 4.0], [10.0, 20.0, np.inf, 40.0])

    assert (kept.values.tolist(), kept.positions.tolist(), kept.dropped) == ([1.0, 4.0], [10.0, 40.0], 2)


def test_lengths_must_agree() -> None:
    """Two values cannot stand at three places."""
    with pytest.raises(ValueError, match="2 values but 3 positions"):
        finite_part([1.0, 2.0], [1.0, 2.0, 3.0])
