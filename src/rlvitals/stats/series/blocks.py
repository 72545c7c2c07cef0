"""A long series as a few dozen block means: what a slow question needs of it, and less correlated."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_BLOCKS = 48


class Finite(NamedTuple):
    """The finite part of a series.

    Attributes:
        values: Values, shape `(n,)`.
        positions: Where each stands (episode, step, or its index), shape `(n,)`.
        dropped: How many values, or positions, were not finite.
    """

    values: NDArray[np.float64]
    positions: NDArray[np.float64]
    dropped: int


def finite_part(values: object, positions: object = None) -> Finite:
    """The values that are finite and stand at a finite position, in the order of their positions.

    Args:
        values: Numbers, shape `(n,)`.
        positions: Where each stands, shape `(n,)`; its index where none is given. Equal ones are allowed.

    Raises:
        ValueError: The two differ in length.
    """
    sample = np.asarray(values, dtype=np.float64).ravel()
    if positions is None:
        where = np.arange(sample.size, dtype=np.float64)
    else:
        where = np.asarray(positions, dtype=np.float64).ravel()
        if where.size != sample.size:
            raise ValueError(f"{sample.size} values but {where.size} positions")
    kept = np.isfinite(sample) & np.isfinite(where)
    dropped = int(sample.size - np.count_nonzero(kept))
    if dropped:
        sample, where = sample[kept], where[kept]
    if positions is not None and np.any(where[1:] < where[:-1]):
        order = np.argsort(where, kind="stable")
        sample, where = sample[order], where[order]
    return Finite(sample, where, dropped)


def block_edges(count: int, most: int = MOST_BLOCKS) -> NDArray[np.int64]:
    """Edges that cut `count` values into at most `most` blocks whose sizes differ by one at most.

    The size is the smallest whole `s` with `count / s <= most`; there are `m = floor(count / s)` blocks, and block `j`
    holds the values from `floor(j count / m)` to `floor((j + 1) count / m)`.

    Returns:
        Edges, shape `(m + 1,)`, from 0 to `count`.
    """
    size = max(1, -(-count // most))
    blocks = max(1, count // size)
    return np.arange(blocks + 1, dtype=np.int64) * count // blocks


def block_means(values: NDArray[np.float64], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of each block, shape `(m,)`."""
    means: NDArray[np.float64] = np.add.reduceat(values.astype(np.float64, copy=False), edges[:-1]) / np.diff(edges)
    return means
