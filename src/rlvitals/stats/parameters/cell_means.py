"""Mean outcome by two parameters, in a grid of cells."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rlvitals.stats.parameters.parameter_columns import ParameterColumn

OTHER = "(other)"
"""Label of the shared bin of the remaining strings."""


class Bins(NamedTuple):
    """Bins of a parameter: single values if there are few, otherwise equal ranges.

    Attributes:
        places: Bin index of each row, shape `(n,)`; arbitrary for rows that are left out.
        values: Single values in their original form; empty if the bins are ranges.
        edges: Edges of the ranges, shape `(bins + 1,)`; empty if the bins are single values.
    """

    places: NDArray[np.int64]
    values: tuple[Any, ...]
    edges: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Number of bins, at least 1 so that a grid has a cell."""
        return max(1, len(self.values), self.edges.size - 1)


class CellMeans(NamedTuple):
    """Mean outcome in a grid of cells.

    Attributes:
        x: Bins of the first parameter.
        y: Bins of the second parameter.
        means: Mean outcome, shape `(y bins, x bins)`, in the units of the outcome; NaN for a cell without rows.
        counts: Number of rows per cell, same shape.
    """

    x: Bins
    y: Bins
    means: NDArray[np.float64]
    counts: NDArray[np.int64]


def cell_means(
    x: ParameterColumn, y: ParameterColumn, outcome: ArrayLike, *, most_values: int, ranges: int
) -> CellMeans:
    """Return the mean outcome in the cells of two parameters.

    Rows that lack a parameter or a finite outcome are left out.

    Args:
        x: Parameter on the horizontal axis, `n` rows.
        y: Parameter on the vertical axis, `n` rows.
        outcome: Outcome, shape `(n,)`.
        most_values: Maximum number of distinct values with a separate bin each.
        ranges: Number of equal ranges for a parameter with more values.
    """
    values = np.asarray(outcome, dtype=np.float64)
    used = np.isfinite(values) & x.present & y.present
    across, up = _bins(x, used, most_values, ranges), _bins(y, used, most_values, ranges)
    shape = (up.size, across.size)
    cells = (up.places * shape[1] + across.places)[used]
    counts = np.bincount(cells, minlength=shape[0] * shape[1])
    with np.errstate(over="ignore"):  # the sum of very large values can overflow
        sums = np.bincount(cells, weights=values[used], minlength=counts.size)
    means = np.divide(sums, counts, out=np.full(counts.size, np.nan), where=counts > 0)
    return CellMeans(across, up, means.reshape(shape), counts.reshape(shape))


def _bins(tried: ParameterColumn, used: NDArray[np.bool_], most_values: int, ranges: int) -> Bins:
    distinct = np.unique(tried.values[used])
    if distinct.size <= most_values or not tried.numeric:
        last = min(distinct.size, most_values) - 1
        values = [tried.said(float(value)) for value in distinct[: last + 1]]
        if distinct.size > most_values:
            values[last] = OTHER
        places = np.clip(np.searchsorted(distinct, tried.values), 0, max(0, last))
        return Bins(places, tuple(values), np.empty(0))
    edges = np.linspace(distinct[0], distinct[-1], ranges + 1)
    places = np.clip(np.searchsorted(edges, tried.values, "right") - 1, 0, ranges - 1)
    return Bins(places, (), edges)
