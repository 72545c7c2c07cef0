"""A parameter as a few columns, whose sums are the curves over its ranks: so that an optimum in the middle is seen."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.parameters.parameter_columns import ParameterColumn


class Basis(NamedTuple):
    """Columns whose sums are the curves over a parameter, up to a constant.

    Attributes:
        columns: Shape `(n, k - 1)`, zero where the parameter is missing; the first knot is left out.
        gaps: 1 where the parameter is missing, shape `(n, 1)`; shape `(n, 0)` where none is.
        ranks: Mid-ranks, 0 to 1, shape `(n,)`, of a number or a flag; `None` for texts of more than two levels.
        places: The value at each of the `k` knots, as the user gave it.
        ordered: Whether the knots are in an order.
    """

    columns: NDArray[np.float64]
    gaps: NDArray[np.float64]
    ranks: NDArray[np.float64] | None
    places: tuple[Any, ...]
    ordered: bool


def basis_of(column: ParameterColumn, knots: int) -> Basis:
    """A continuous curve, linear between `knots` knots that are equally spaced in rank; a step for each value of a few.

    The columns are hat functions (linear B-splines: de Boor 1978, A Practical Guide to Splines, ch. III) of the
    mid-rank. A parameter of at most `knots` different values has one column for each but the first instead; of a text
    with more levels the most frequent have their own, and the others share the first.

    Args:
        column: The parameter.
        knots: How many, at least 2.
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
    """Mid-ranks from 0 (the lowest) to 1 (the highest), ties sharing their mean, shape `(n,)`."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = _mid_ranks(counts)[codes]
    return ranks


def _mid_ranks(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Mid-rank of each distinct value; 0 where there is only one."""
    middle = np.cumsum(counts) - 0.5 * (counts + 1)
    return middle / max(float(counts.sum()) - 1.0, 1.0) if counts.size > 1 else np.zeros(counts.size)
