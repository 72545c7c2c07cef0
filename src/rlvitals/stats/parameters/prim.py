"""Searching a table for a box of parameters in which an outcome is high: the patient rule induction method."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.parameters.parameter_columns import ParameterColumn

PEEL = 0.1
_SURE = 1.645  # one-sided 95 %
_OWN_DOING = 3.0  # standard errors


class Limit(NamedTuple):
    """What a box asks of one parameter: a range of a number, or some of the levels.

    Attributes:
        low: Lowest value allowed.
        high: Highest value allowed.
        barred: Levels that are not allowed, as indices.
    """

    low: float = -np.inf
    high: float = np.inf
    barred: frozenset[int] = frozenset()

    def allows(self, column: ParameterColumn) -> NDArray[np.bool_]:
        """Rows in which a parameter is there and keeps within, shape `(n,)`."""
        kept: NDArray[np.bool_] = column.present & (column.values >= self.low) & (column.values <= self.high)
        return kept & ~np.isin(column.values, list(self.barred)) if self.barred else kept


Box = dict[int, Limit]
"""The limits of some of the parameters, by their index."""


def inside(box: Box, columns: list[ParameterColumn]) -> NDArray[np.bool_]:
    """Rows that lie in a box, shape `(n,)`."""
    rows = np.ones(columns[0].values.size, dtype=bool)
    for at, limit in box.items():
        rows &= limit.allows(columns[at])
    return rows


def peeled(columns: list[ParameterColumn], outcome: NDArray[np.float64], fewest: int) -> Box:
    """The box in which an outcome is surely high (Friedman and Fisher 1999, Statistics and Computing 9).

    From the whole table about a tenth of the rows is peeled off again and again: from the lower or the upper side of a
    number, or one level of a text; always the side whose outcomes are the most surely below the rest, by Student's
    statistic. Of the nested boxes the one with the highest lower limit of the mean, `mean - 1.645 s / sqrt(m)`, is
    taken. Limits that can go without lowering that by one standard error then go, so that only parameters that
    matter are left.

    Args:
        columns: The parameters.
        outcome: Shape `(n,)`, finite.
        fewest: Rows that a box must hold.

    Returns:
        The limits; empty if no box is better than the whole.
    """
    box: Box = {}
    rows = np.arange(outcome.size)
    best, surest = dict(box), surely(outcome)
    while True:
        peel = _worst_side(columns, outcome, rows, box, fewest)
        if peel is None:
            break
        at, limit = peel
        box = {**box, at: limit}
        rows = rows[limit.allows(columns[at].take(rows))]
        if (sure := surely(outcome[rows])) > surest:
            best, surest = dict(box), sure
    return _relaxed(columns, outcome, best)


def surely(values: NDArray[np.float64], spread: float | None = None) -> float:
    """Lower limit of a mean, `mean - 1.645 s / sqrt(m)`; below everything for fewer than two values."""
    if values.size < 2:  # noqa: PLR2004 - one value has no spread
        return -np.inf
    deviation = float(values.std(ddof=1)) if spread is None else spread
    return float(values.mean()) - _SURE * deviation / float(np.sqrt(values.size))


def said(box: Box, columns: list[ParameterColumn], rows: NDArray[np.bool_]) -> dict[str, Any]:
    """A box in the user's words: the range that was tried in it for a number, the levels for a text."""
    words: dict[str, Any] = {}
    for at, limit in sorted(box.items()):
        column = columns[at]
        values = column.values[rows & column.present]
        if column.numeric:
            words[column.name] = (column.said(float(values.min())), column.said(float(values.max())))
        else:
            words[column.name] = tuple(column.said(i) for i in range(len(column.levels)) if i not in limit.barred)
    return words


def _worst_side(
    columns: list[ParameterColumn], outcome: NDArray[np.float64], rows: NDArray[np.int64], box: Box, fewest: int
) -> tuple[int, Limit] | None:
    """The side whose removal is the most surely right, and the limit that removes it."""
    heights = outcome[rows]
    total, count, spread = float(heights.sum()), rows.size, float(heights.std())
    worst: tuple[int, Limit] | None = None
    highest = -np.inf
    if not spread > 0.0:
        return None
    for at, column in enumerate(columns):
        present = column.present[rows]
        values, there = column.values[rows][present], heights[present]
        for limit, kept in _sides(column, values, box.get(at, Limit())):
            left = int(np.count_nonzero(kept))
            if left < fewest or left == count:
                continue
            mean = float(there[kept].sum()) / left
            rest = (total - mean * left) / (count - left)
            score = (mean - rest) / (spread * float(np.sqrt(1.0 / left + 1.0 / (count - left))))
            if score > highest:
                worst, highest = (at, limit), score
    return worst


def _sides(column: ParameterColumn, values: NDArray[np.float64], limit: Limit) -> list[tuple[Limit, NDArray[np.bool_]]]:
    if not values.size:
        return []
    if not column.numeric:
        levels = np.unique(values)
        return [(limit._replace(barred=limit.barred | {int(v)}), values != v) for v in levels if levels.size > 1]
    low, high = np.quantile(values, (PEEL, 1.0 - PEEL))
    sides = []
    for kept in (values > low, values < high):
        if kept.any():
            low_end, high_end = float(values[kept].min()), float(values[kept].max())
            sides.append((limit._replace(low=low_end, high=high_end), kept))
    return sides


def _relaxed(columns: list[ParameterColumn], outcome: NDArray[np.float64], box: Box) -> Box:
    """The box without the limits that do nothing sure."""
    while box:
        rows = inside(box, columns)
        doing = {}
        for at in box:
            kept_out = inside({k: v for k, v in box.items() if k != at}, columns) & ~rows
            doing[at] = _difference(outcome[rows], outcome[kept_out])
        least = min(doing, key=lambda at: doing[at])
        if doing[least] > _OWN_DOING:
            break
        box = {k: v for k, v in box.items() if k != least}
    return box


def _difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Student's statistic of two samples with a common spread; 0 if one is empty or nothing varies."""
    if not one.size or not other.size:
        return 0.0
    squares = float(((one - one.mean()) ** 2).sum() + ((other - other.mean()) ** 2).sum())
    difference, freedom = float(one.mean() - other.mean()), one.size + other.size - 2
    if not squares > 0.0 or freedom < 1:
        return float(np.sign(difference)) * np.inf if difference else 0.0
    return difference / float(np.sqrt(squares / freedom * (1.0 / one.size + 1.0 / other.size)))
