"""Windows of neighbouring rows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.parameters.neighbour_windows import Windows, windows_of


def cut(groups: list[int] | None, kept: list[bool], size: int | None, most_rows: int = 1000, seed: int = 0) -> Windows:
    codes = None if groups is None else np.array(groups)
    return windows_of(codes, np.array(kept, dtype=bool), size, np.random.default_rng(seed), most_rows)


def test_a_window_contains_neighbours_of_one_category() -> None:
    """The windows are rows 0, 2 | 4, 6, 8 of one category and 1, 3 | 5, 7 of the other, in time order."""

    found = cut([0, 1] * 4 + [0], [True] * 9, 2)
    assert found.order.tolist() == [0, 2, 4, 6, 8, 1, 3, 5, 7]
    assert found.starts.tolist() == [0, 2, 5, 7]
    assert found.sizes.tolist() == [2, 3, 2, 2]


def test_a_row_without_a_neighbour_is_left_out() -> None:
    """A category with one row has no window."""

    assert cut([0, 0, 1, 0], [True] * 4, 2).order.tolist() == [0, 1, 3]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=60),
    st.integers(2, 9),
    st.integers(5, 80),
)
def test_windows_contain_every_row_at_most_once(rows: list[tuple[int, bool]], size: int, most: int) -> None:
    """No row is repeated, none that was left out is used, and each window has one category."""

    groups, kept = (list(part) for part in zip(*rows, strict=True))
    found = cut(groups, kept, size, most)
    order = found.order.tolist()
    assert len(set(order)) == len(order)
    assert all(kept[row] for row in order)
    assert sum(found.sizes.tolist()) == len(order)
    for start, length in zip(found.starts.tolist(), found.sizes.tolist(), strict=True):
        window = order[start : start + length]
        assert len({groups[row] for row in window}) == 1
        assert window == sorted(window)
        assert length >= 2


def test_centring_subtracts_the_mean_of_each_window() -> None:
    """The result matches a calculation by hand."""

    found = cut(None, [True] * 4, 2)
    assert found.centred(np.array([1.0, 3.0, 10.0, 20.0])).tolist() == [-1.0, 1.0, -5.0, 5.0]


def test_clusters_combine_windows_if_there_are_many() -> None:
    """At most 256 clusters contain all rows."""

    found = cut(None, [True] * 6000, 2, most_rows=10_000)
    assert found.clusters.size == 256
    assert found.cluster_sums(np.ones(6000)).sum() == 6000


def test_rows_without_an_order_are_all_neighbours() -> None:
    """Each category is one window, and each row a cluster."""

    found = cut([0, 1] * 10, [True] * 20, None)
    assert found.sizes.tolist() == [10, 10]
    assert found.clusters.size == 20


def test_a_large_table_is_sampled_by_windows() -> None:
    """Whole windows of neighbours are drawn, and the same seed draws the same ones."""

    first, again, other = (cut(None, [True] * 1000, 10, 100, seed) for seed in (1, 1, 2))
    assert first.order.size == 100
    assert all(np.ptp(first.order[s : s + 10]) == 9 for s in first.starts)
    assert first.order.tolist() == again.order.tolist() != other.order.tolist()
