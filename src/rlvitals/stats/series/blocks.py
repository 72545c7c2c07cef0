"""Block means: a long series reduced to a few dozen less correlated values."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_BLOCKS = 48


class Finite(NamedTuple):
    """The finite part of a series.

    Attributes:
        values: Finite values, shape `(n,)`.
        positions: Position of each value (episode, step, or index), shape `(n,)`.
        dropped: Number of entries whose value or position is non-finite.
    """

    values: NDArray[np.float64]
    positions: NDArray[np.float64]
    dropped: int


def finite_part(values: object, positions: object = None) -> Finite:
    """Return the finite values at finite positions, in the order of their positions.

    Args:
        values: Values, shape `(n,)`.
        positions: Position of each value, shape `(n,)`; by default its index. Equal positions are allowed.

    Raises:
        ValueError: The two arrays differ in length.
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
    """Return the edges of at most `most` blocks of `count` values, whose sizes differ by at most one.

    The size is the smallest integer `s` with `count / s <= most`. There are `m = floor(count / s)` blocks, and block
    `j` contains the values from `floor(j count / m)` to `floor((j + 1) count / m)`.

    Args:
        count: Number of values.
        most: Maximum number of blocks.

    Returns:
        Edges, shape `(m + 1,)`, from 0 to `count`.
    """
    size = max(1, -(-count // most))
    blocks = max(1, count // size)
    return np.arange(blocks + 1, dtype=np.int64) * count // blocks


def block_means(values: NDArray[np.float64], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of each block, shape `(m,)`."""
    means: NDArray[np.float64] = np.add.reduceat(values.astype(np.float64, copy=False), edges[:-1]) / np.diff(edges)
    return means
