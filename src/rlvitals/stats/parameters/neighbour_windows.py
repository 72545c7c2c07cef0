"""Windows of neighbouring rows: consecutive rows of one category, which are compared only with each other.

While a policy learns, its parameters drift and its rewards rise, so any parameter can seem to have an effect.
Categories also differ in their rewards and in the values tried for them. Both biases are removed by comparing each row
only with its neighbours in time within its category. The mean of each window is subtracted from all columns (the within
estimator of panel data; aligned ranks of Hodges and Lehmann 1962, Annals of Mathematical Statistics 33).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_CLUSTERS = 256
WINDOW = 10
"""Number of rows per window by default."""
_ENOUGH_WINDOWS = 30


class Windows(NamedTuple):
    """Rows in order of category, then time, divided into windows.

    Attributes:
        order: Indices of the rows used, shape `(n,)`.
        starts: Start of each window in `order`, shape `(w,)`.
        sizes: Number of rows in each window, shape `(w,)`.
        clusters: Start of each cluster of consecutive windows in `order`, shape `(c,)`; at most 256 clusters.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    clusters: NDArray[np.int64]

    def centred(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return columns, shape `(n, ...)` in this order, minus the mean of each window."""
        sums = np.add.reduceat(columns, self.starts, axis=0)
        means = sums / self.sizes.reshape(-1, *(1,) * (columns.ndim - 1))
        centred: NDArray[np.float64] = columns - np.repeat(means, self.sizes, axis=0)
        return centred

    def cluster_sums(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of columns, shape `(n, ...)` in this order, over each cluster, shape `(c, ...)`."""
        sums: NDArray[np.float64] = np.add.reduceat(columns, self.clusters, axis=0)
        return sums


def window_size(window: int | None, rows: int) -> int | None:
    """Return the number of rows per window: fewer than wanted if there would be fewer than 30 windows, at least 2."""
    return None if window is None else min(window, max(2, rows // _ENOUGH_WINDOWS))


def windows_of(
    groups: NDArray[Any] | None,
    kept: NDArray[np.bool_],
    size: int | None,
    generator: np.random.Generator,
    most_rows: int,
) -> Windows:
    """Divide the rows, which are in time order, into windows.

    A category of `m` rows gives `floor(m / size)` windows, whose sizes differ by at most one. A category of fewer than
    `size` rows gives one window, and a single row gives none. If there are more than `most_rows` rows, windows are
    drawn at random.

    Args:
        groups: Category of each row, shape `(n,)`, or `None` for a single category.
        kept: Mask of the rows to use, shape `(n,)`.
        size: Number of rows per window, at least 2. `None` for rows without an order, which are all neighbours: each
            category is then one window, and single rows are drawn and clustered.
        generator: Random generator for the windows, if there are more than `most_rows` rows.
        most_rows: Maximum number of rows to use.
    """
    rows = np.flatnonzero(kept)
    if size is None and rows.size > most_rows:
        rows = np.sort(generator.choice(rows, size=most_rows, replace=False))
    if groups is None:
        order, counts = rows, np.array([rows.size])
    else:
        codes = np.unique(groups[rows], return_inverse=True)[1]
        order, counts = rows[np.argsort(codes, kind="stable")], np.bincount(codes)
    ends = np.cumsum(counts)
    cuts = [
        end - count + _even_cuts(count, max(1, count // (size or count or 1)))
        for end, count in zip(ends, counts, strict=True)
    ]
    starts = np.concatenate([order[:0], *cuts])
    sizes = np.diff(np.append(starts, order.size))
    chosen = np.flatnonzero(sizes > 1)
    enough = max(1, most_rows // (size or 1))
    if size is not None and order.size > most_rows and chosen.size > enough:
        chosen = np.sort(generator.choice(chosen, size=enough, replace=False))
    if chosen.size < sizes.size:
        order = np.concatenate([order[:0], *(order[starts[at] : starts[at] + sizes[at]] for at in chosen)])
        sizes = sizes[chosen]
        starts = np.cumsum(sizes) - sizes
    units = np.arange(order.size) if size is None else starts
    return Windows(order, starts, sizes, units[_even_cuts(units.size, min(units.size, MOST_CLUSTERS))])


def _even_cuts(count: int, parts: int) -> NDArray[np.int64]:
    """Return the starts of `parts` parts of `count` items, whose sizes differ by at most one."""
    return np.arange(parts, dtype=np.int64) * count // max(parts, 1)
