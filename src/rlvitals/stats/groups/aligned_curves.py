"""Alignment of learning curves that were logged at different steps, without extrapolation."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Curves = Sequence[tuple[ArrayLike, ArrayLike]]
"""Positions and values of each run, two arrays of shape `(n,)`, in any order."""


class Aligned(NamedTuple):
    """Curves on a common axis.

    Attributes:
        places: Positions on the common axis, shape `(k,)`.
        values: Value of each run at each position, shape `(runs, k)`; NaN if the run has none there.
        contributing: Number of runs with a value at each position, shape `(k,)`.
    """

    places: NDArray[np.float64]
    values: NDArray[np.float64]
    contributing: NDArray[np.int64]


def block_means(curves: Curves, edges: ArrayLike) -> Aligned:
    """Return the mean of each run's values in each block `(edge_i, edge_{i+1}]` of the axis; NaN without values.

    Args:
        curves: Positions and values of each run. Non-finite values are left out.
        edges: Block edges, increasing, shape `(k + 1,)`. The positions of the result are the upper ends.
    """
    bounds = np.asarray(edges, dtype=np.float64)
    rows = np.full((len(curves), bounds.size - 1), np.nan)
    for row, (places, values) in zip(rows, curves, strict=True):
        where, what = _known(places, values)
        block = np.searchsorted(bounds, where, side="left") - 1
        inside = (block >= 0) & (block < row.size)
        counts = np.bincount(block[inside], minlength=row.size)
        sums = np.bincount(block[inside], weights=what[inside], minlength=row.size)
        row[counts > 0] = sums[counts > 0] / counts[counts > 0]
    return _aligned(bounds[1:], rows)


def last_values(curves: Curves, places: ArrayLike) -> Aligned:
    """Return each run's last value at or before each position; NaN before its first and after its last value.

    A run that has ended is not continued as a horizontal line.

    Args:
        curves: Positions and values of each run. Non-finite values are left out.
        places: Positions on the common axis, shape `(k,)`.
    """
    axis = np.asarray(places, dtype=np.float64)
    rows = np.full((len(curves), axis.size), np.nan)
    for row, (where, what) in zip(rows, (_known(*curve) for curve in curves), strict=True):
        if where.size:
            at = np.searchsorted(where, axis, side="right") - 1
            inside = (at >= 0) & (axis <= where[-1])
            row[inside] = what[at[inside]]
    return _aligned(axis, rows)


def area(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the area under each curve divided by its length, shape `(runs,)`; NaN for a curve with gaps.

    For equally wide blocks, this is the mean of the blocks. Gaps are not filled. Missing blocks at the start are
    allowed, because no episode had ended yet.

    Args:
        values: Values of each run in equally wide blocks, shape `(runs, k)`, as in `Aligned`.
    """
    found = np.full(values.shape[0], np.nan)
    for at, row in enumerate(values):
        known = np.flatnonzero(~np.isnan(row))
        if known.size and known.size == row.size - known[0]:
            found[at] = row[known].mean()
    return found


def _known(places: ArrayLike, values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    where, what = (np.asarray(given, dtype=np.float64).ravel() for given in (places, values))
    kept = np.isfinite(where) & np.isfinite(what)
    order = np.argsort(where[kept], kind="stable")
    return where[kept][order], what[kept][order]


def _aligned(places: NDArray[np.float64], rows: NDArray[np.float64]) -> Aligned:
    return Aligned(places, rows, np.count_nonzero(~np.isnan(rows), axis=0).astype(np.int64))
