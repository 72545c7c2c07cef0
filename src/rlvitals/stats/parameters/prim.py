"""Patient rule induction method (PRIM): search for a box of parameters with a high outcome."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.parameters.parameter_columns import ParameterColumn

PEEL = 0.1
_SURE = 1.645  # one-sided 95 %
_OWN_DOING = 3.0  # minimum effect of a limit in standard errors


class Limit(NamedTuple):
    """Limit of one parameter in a box: a range of a number, or a set of levels.

    Attributes:
        low: Lowest allowed value.
        high: Highest allowed value.
        barred: Indices of the levels that are not allowed.
    """

    low: float = -np.inf
    high: float = np.inf
    barred: frozenset[int] = frozenset()

    def allows(self, column: ParameterColumn) -> NDArray[np.bool_]:
        """Return the rows with an allowed value of the parameter, shape `(n,)`."""
        kept: NDArray[np.bool_] = column.present & (column.values >= self.low) & (column.values <= self.high)
        return kept & ~np.isin(column.values, list(self.barred)) if self.barred else kept


Box = dict[int, Limit]
"""Limits of parameters by their index."""


def inside(box: Box, columns: list[ParameterColumn]) -> NDArray[np.bool_]:
    """Return the rows inside a box, shape `(n,)`."""
    rows = np.ones(columns[0].values.size, dtype=bool)
    for at, limit in box.items():
        rows &= limit.allows(columns[at])
    return rows


def peeled(columns: list[ParameterColumn], outcome: NDArray[np.float64], fewest: int) -> Box:
    """Return the box with the highest lower limit of the mean outcome.

    This is the patient rule induction method (Friedman and Fisher 1999, Statistics and Computing 9). Starting from the
    whole table, about a tenth of the rows is removed repeatedly: at the lower or the upper side of a number, or one
    level of a string. Each step removes the side with the outcomes most significantly below the remaining ones, by
    Student's statistic. Among the nested boxes, the one with the highest lower limit of the mean,
    `mean - 1.645 s / sqrt(m)`, is selected. Limits whose effect is below three standard errors are then removed, so
    only relevant parameters are left.

    Args:
        columns: Parameters.
        outcome: Outcome, shape `(n,)`, finite.
        fewest: Minimum number of rows in a box.

    Returns:
        The limits by parameter index; empty if no box is better than the whole.
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
    """Return the lower limit of a mean, `mean - 1.645 s / sqrt(m)`; -infinity for fewer than two values.

    Args:
        values: Values, shape `(n,)`.
        spread: Standard deviation `s`; by default that of the values.
    """
    if values.size < 2:  # noqa: PLR2004 - a standard deviation needs two values
        return -np.inf
    deviation = float(values.std(ddof=1)) if spread is None else spread
    return float(values.mean()) - _SURE * deviation / float(np.sqrt(values.size))


def said(box: Box, columns: list[ParameterColumn], rows: NDArray[np.bool_]) -> dict[str, Any]:
    """Return a box in readable form: the range of the rows in it for a number, the allowed levels for a string."""
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
    """Return the parameter and the limit that remove the side with the most significantly lower outcomes."""
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
    """Return the box without limits that have no significant effect."""
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
    """Return Student's statistic of two samples with a common variance; 0 if one is empty or nothing varies."""
    if not one.size or not other.size:
        return 0.0
    squares = float(((one - one.mean()) ** 2).sum() + ((other - other.mean()) ** 2).sum())
    difference, freedom = float(one.mean() - other.mean()), one.size + other.size - 2
    if not squares > 0.0 or freedom < 1:
        return float(np.sign(difference)) * np.inf if difference else 0.0
    return difference / float(np.sqrt(squares / freedom * (1.0 / one.size + 1.0 / other.size)))
