"""Rows compared with their neighbours only: windows of rows of one category that follow each other in time.

While a policy learns, its parameters drift and its rewards rise, so that any parameter seems to matter. And categories
differ in reward and in what is tried for them. Both fall out when a row is compared only with its neighbours in time
within its category: the mean of each window is taken away from everything (the within estimator of panel data; aligned
ranks of Hodges and Lehmann 1962, Annals of Mathematical Statistics 33).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_CLUSTERS = 256


class Windows(NamedTuple):
    """Rows in order of category, then time, cut into windows.

    Attributes:
        order: The rows that take part, shape `(n,)`.
        starts: Where each window starts in `order`, shape `(w,)`.
        sizes: Rows of each window, shape `(w,)`.
        clusters: Where each cluster of consecutive windows starts in `order`, shape `(c,)`; at most 256 clusters.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]
    clusters: NDArray[np.int64]

    def centred(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Columns, shape `(n, ...)` in this order, less the mean of each window."""
        sums = np.add.reduceat(columns, self.starts, axis=0)
        means = sums / self.sizes.reshape(-1, *(1,) * (columns.ndim - 1))
        centred: NDArray[np.float64] = columns - np.repeat(means, self.sizes, axis=0)
        return centred

    def cluster_sums(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of columns, shape `(n, ...)` in this order, over each cluster, shape `(c, ...)`."""
        sums: NDArray[np.float64] = np.add.reduceat(columns, self.clusters, axis=0)
        return sums


def windows_of(
    groups: NDArray[Any] | None,
    kept: NDArray[np.bool_],
    size: int | None,
    generator: np.random.Generator,
    most_rows: int,
) -> Windows:
    """Cut the rows, which are in time order, into windows.

    A category of `m` rows gives `floor(m / size)` windows, whose sizes differ by one at most; one of fewer than `size`
    rows gives one window, and one of a single row none. If there are more than `most_rows` rows, windows are drawn at
    random.

    Args:
        groups: Category of each row, shape `(n,)`, or `None` for one category.
        kept: Rows that take part, shape `(n,)`.
        size: Rows of a window, at least 2; `None` for rows without an order, which are all neighbours: then each
            category is one window, and single rows are drawn and clustered.
        generator: Draws the windows, where there are too many.
        most_rows: Rows that are enough.
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
    """Where each of `parts` parts of `count` things starts, sizes differing by one at most."""
    return np.arange(parts, dtype=np.int64) * count // max(parts, 1)
