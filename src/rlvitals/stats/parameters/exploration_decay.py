"""Narrowing of the exploration over time."""

from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.parameters.coverage import BINS, Bounds, binned
from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, tried_columns
from rlvitals.stats.series.trend import Trend, trend

Verdict = Literal["narrowing", "steady", "widening", "not enough data"]

_SAID: dict[str, Verdict] = {
    "declining": "narrowing",
    "stable": "steady",
    "improving": "widening",
    "not enough data": "not enough data",
}


class ExplorationDecay(NamedTuple):
    """Change of one parameter's exploration over time.

    Attributes:
        name: Parameter name.
        verdict: `narrowing`, `steady`, `widening` or `not enough data`: the trend of the differences of neighbouring
            values.
        rows: Index of the first row of each block, shape `(b,)`.
        dispersion: Mean difference of two neighbouring values in each block, shape `(b,)`: in the units of a numeric
            parameter, or the probability that two levels differ; NaN for a block without a pair.
        relative: Dispersion relative to the first block with a pair, shape `(b,)`; 1 if both are zero.
        entropy: Entropy `-sum p ln p` over bins of the whole range in each block, in nats, shape `(b,)`; 0 if all
            values are in one bin.
        entropy_most: Maximum entropy in nats: `ln` of the number of bins.
        trend: Trend of the differences over the rows, which determines the verdict.
    """

    name: str
    verdict: Verdict
    rows: tuple[int, ...]
    dispersion: tuple[float, ...]
    relative: tuple[float, ...]
    entropy: tuple[float, ...]
    entropy_most: float
    trend: Trend


def exploration_decay(
    parameters: Mapping[str, Given],
    *,
    category: Given | None = None,
    blocks: int = 10,
    bounds: Bounds | None = None,
    logarithmic: Collection[str] = (),
    level: float = 0.05,
) -> tuple[ExplorationDecay, ...]:
    """Return the change of each parameter's exploration over time, in blocks and as a trend.

    The mean of a policy drifts as it learns, and this drift is not exploration. Each value is therefore compared with
    the next one of its category, which comes from the same or nearly the same policy. The mean of `|x - x'|` over these
    pairs is Gini's mean difference of the policy's distribution (for a normal one, `2 / sqrt(pi)` standard deviations).
    For levels, it is the probability that two values differ (Gini-Simpson). The pairs do not overlap. The verdict is
    the trend of these differences in time order (`stats.series.trend`).

    Args:
        parameters: Column of each parameter, shape `(n,)` each, rows in time order.
        category: Category of each row, shape `(n,)`. Values are compared within their category.
        blocks: Number of blocks of equally many rows.
        bounds: Lowest and highest allowed value, for the bins of the entropy.
        logarithmic: Parameters on a logarithmic scale: `|ln x - ln x'|` is used if all values are positive.
        level: Significance level: the probability of reporting any parameter as narrowing or widening if none is
            (Bonferroni).
    """
    columns = tried_columns(parameters)
    if not columns:
        return ()
    count = columns[0].values.size
    groups = np.zeros(count) if category is None else tried_columns({"category": category})[0].keys()
    confidence = 1.0 - level / len(columns)
    starts = np.arange(max(1, min(blocks, count)), dtype=np.int64) * count // max(1, min(blocks, count))
    return tuple(
        _narrowing(column, groups, starts, (bounds or {}).get(column.name), column.name in logarithmic, confidence)
        for column in columns
    )


def neighbour_differences(
    column: ParameterColumn, groups: NDArray[np.float64] | NDArray[np.int64], *, logarithmic: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the difference of each pair of consecutive values in a group, and the row of the first of the two.

    Args:
        column: Parameter. Rows without a value are skipped.
        groups: Group of each row, shape `(n,)`.
        logarithmic: Whether to compare logarithms. Ignored unless all values are positive.
    """
    rows = np.flatnonzero(column.present)
    rows = rows[np.argsort(groups[rows], kind="stable")]
    ends = np.cumsum(np.unique(groups[rows], return_counts=True)[1])
    place = np.arange(rows.size) - np.repeat(ends - np.diff(ends, prepend=0), np.diff(ends, prepend=0))
    first = np.flatnonzero(place % 2 == 0)
    first = first[first + 1 < rows.size]
    first = first[place[first + 1] > 0]
    values = column.values
    if logarithmic and column.numeric and rows.size and values[rows].min() > 0:
        values = np.log(np.where(column.present, values, 1.0))
    one, other = values[rows[first]], values[rows[first + 1]]
    differences = np.abs(one - other) if column.numeric else (one != other).astype(np.float64)
    order = np.argsort(rows[first], kind="stable")
    return differences[order], rows[first][order]


def _narrowing(
    column: ParameterColumn,
    groups: NDArray[np.float64] | NDArray[np.int64],
    starts: NDArray[np.int64],
    bounds: tuple[float, float] | None,
    logarithmic: bool,
    confidence: float,
) -> ExplorationDecay:
    differences, rows = neighbour_differences(column, groups, logarithmic=logarithmic)
    block = np.searchsorted(starts, rows, side="right") - 1
    pairs = np.bincount(block, minlength=starts.size)
    with np.errstate(invalid="ignore"):
        dispersion = np.bincount(block, weights=differences, minlength=starts.size) / pairs
    base = float(dispersion[pairs > 0][0]) if rows.size else float("nan")
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where((dispersion == 0.0) & (base == 0.0), 1.0, dispersion / base)
    entropy, most = _entropies(column, starts, bounds, logarithmic)
    moved = trend(differences, confidence=confidence)
    return ExplorationDecay(
        name=column.name,
        verdict=_SAID[moved.verdict],
        rows=tuple(starts.tolist()),
        dispersion=tuple(dispersion.tolist()),
        relative=tuple(relative.tolist()),
        entropy=tuple(entropy.tolist()),
        entropy_most=most,
        trend=moved,
    )


def _entropies(
    column: ParameterColumn, starts: NDArray[np.int64], bounds: tuple[float, float] | None, logarithmic: bool
) -> tuple[NDArray[np.float64], float]:
    rows = np.flatnonzero(column.present)
    if not rows.size:
        return np.full(starts.size, np.nan), float("nan")
    indices, bins = binned(column.take(rows), bounds, bins=BINS, most_whole=BINS, logarithmic=logarithmic)
    block = np.searchsorted(starts, rows, side="right") - 1
    counts = np.bincount(block * bins + indices, minlength=starts.size * bins).reshape(starts.size, bins)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    terms = np.where(shares > 0.0, shares * np.log(np.where(shares > 0.0, shares, 1.0)), 0.0)
    return np.where(totals[:, 0] > 0, -terms.sum(axis=1), np.nan), float(np.log(bins))
