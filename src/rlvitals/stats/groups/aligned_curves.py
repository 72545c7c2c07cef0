"""Learning curves of runs that were logged at different steps, on one axis, without values that nobody measured."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Curves = Sequence[tuple[ArrayLike, ArrayLike]]
"""For each run where its values stand, and the values, in any order."""


class Aligned(NamedTuple):
    """Curves on a common axis.

    Attributes:
        places: The axis, shape `(k,)`.
        values: Of each run at each place, shape `(runs, k)`; NaN where the run says nothing.
        contributing: Runs that say something at each place, shape `(k,)`.
    """

    places: NDArray[np.float64]
    values: NDArray[np.float64]
    contributing: NDArray[np.int64]


def block_means(curves: Curves, edges: ArrayLike) -> Aligned:
    """Mean of what each run measured within each block `(edge_i, edge_{i+1}]` of the axis; nothing where it did not.

    Args:
        curves: The runs. Values that are not finite are left out.
        edges: Rising, shape `(k + 1,)`; the blocks' upper ends are the places.
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
    """The last value that each run measured at or before each place; nothing before its first, or after its last.

    A run that ended does not go on as a level line: after its last measurement it no longer contributes.

    Args:
        curves: The runs. Values that are not finite are left out.
        places: Shape `(k,)`.
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
    """Area under each curve of equally wide blocks, over its length: the mean of its blocks; NaN for a curve with gaps.

    A gap is not filled, but for those at the very beginning: no episode had ended yet.

    Args:
        values: Shape `(runs, k)`, as in `Aligned`.
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
