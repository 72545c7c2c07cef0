"""Spline basis of a parameter: columns whose linear combinations are curves over its ranks, to detect inner optima."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.parameters.parameter_columns import ParameterColumn


class Basis(NamedTuple):
    """Basis columns of a parameter, whose linear combinations are the curves over it up to a constant.

    Attributes:
        columns: Basis columns, shape `(n, k - 1)`, 0 for rows without the parameter. The first knot is left out.
        gaps: 1 for rows without the parameter, shape `(n, 1)`; shape `(n, 0)` if no row lacks it.
        ranks: Mid-ranks of a number or a boolean, 0 to 1, shape `(n,)`; `None` for strings with more than two levels.
        places: Parameter value at each of the `k` knots, in its original form.
        ordered: Whether the knots have an order.
    """

    columns: NDArray[np.float64]
    gaps: NDArray[np.float64]
    ranks: NDArray[np.float64] | None
    places: tuple[Any, ...]
    ordered: bool


def basis_of(column: ParameterColumn, knots: int) -> Basis:
    """Return a basis of continuous curves, linear between `knots` knots at equally spaced ranks.

    The columns are hat functions (linear B-splines: de Boor 1978, A Practical Guide to Splines, ch. III) of the
    mid-rank. A parameter with at most `knots` distinct values has one indicator column for each value except the first
    instead. For a string with more levels, the most frequent ones have their own columns and the remaining ones share
    the first.

    Args:
        column: Parameter.
        knots: Number of knots, at least 2.
    """
    present = column.present
    values, codes, counts = np.unique(column.values[present], return_inverse=True, return_counts=True)
    gaps = np.zeros((present.size, 0)) if present.all() else (~present).astype(np.float64)[:, None]
    ordered = column.numeric or len(column.levels) <= 2  # noqa: PLR2004 - two levels have one order
    ranks = None
    if ordered:
        ranks = np.zeros(present.size)
        ranks[present] = _mid_ranks(counts)[codes]
    if values.size <= knots or not ordered:
        own = values if values.size <= knots else values[np.sort(np.argsort(-counts, kind="stable")[: knots - 1])]
        others = () if values.size <= knots else ("others",)
        steps = own if others else own[1:]
        columns = (column.values[:, None] == steps) & present[:, None]
        places = (*others, *(column.said(float(value)) for value in own))
        return Basis(columns.astype(np.float64), gaps, ranks, places, ordered)
    assert ranks is not None
    hats = np.clip(1.0 - np.abs(ranks[:, None] * (knots - 1) - np.arange(1, knots)), 0.0, None) * present[:, None]
    at = np.searchsorted(_mid_ranks(counts), np.linspace(0.0, 1.0, knots)).clip(0, values.size - 1)
    return Basis(hats, gaps, ranks, tuple(column.said(float(values[i])) for i in at), ordered)


def ranked(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mid-ranks from 0 (lowest) to 1 (highest), shape `(n,)`; ties share their mean rank."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = _mid_ranks(counts)[codes]
    return ranks


def _mid_ranks(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mid-rank of each distinct value; 0 if there is only one."""
    middle = np.cumsum(counts) - 0.5 * (counts + 1)
    return middle / max(float(counts.sum()) - 1.0, 1.0) if counts.size > 1 else np.zeros(counts.size)
