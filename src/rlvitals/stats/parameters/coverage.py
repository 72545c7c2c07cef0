"""Coverage of the parameter space: tried combinations, and the share of each range and of the joint space."""

from collections.abc import Collection, Mapping
from itertools import combinations as pairs_of
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.parameters.parameter_columns import Given, ParameterColumn, tried_columns

BINS = 32
CELLS = 8
_LARGEST = 2**62
_MOST_WHOLE = 64
_MOST_POINTS = 1_000
_PROBES = 1_000
_FEWEST_POINTS = 10

Bounds = Mapping[str, tuple[float, float]]


class Combinations(NamedTuple):
    """Combinations of parameter values that were tried.

    Attributes:
        rows: Number of rows.
        distinct: Number of distinct combinations. A missing value counts as a separate value.
        most_frequent: Most frequent combinations and their counts, most frequent first.
        effective: Effective number of combinations, `exp(-sum p ln p)` with `p` their shares (Hill 1973): the number of
            equally frequent combinations with the same diversity.
    """

    rows: int
    distinct: int
    most_frequent: tuple[tuple[dict[str, Any], int], ...]
    effective: float


class RangeCoverage(NamedTuple):
    """Coverage of one parameter's range.

    Attributes:
        name: Parameter name.
        low: Lower end of the range: the given bound, otherwise the lowest tried value; NaN for levels.
        high: Upper end of the range: the given bound, otherwise the highest tried value; NaN for levels.
        bounded: Whether bounds were given. Otherwise the ends are the extremes of the tried values, so they are
            always covered.
        tried: Number of values that are not missing.
        outside: Number of values outside the given bounds. They count as values at the nearest end.
        distinct: Number of distinct values.
        bins: Number of bins: one per integer or level if there are at most 64, otherwise 32 of equal width.
        occupied: Share of bins with at least one value, 0 to 1.
        evenness: `exp(-sum p ln p) / bins`, from 1/bins to 1: the share of the range that would have the same diversity
            if all its bins were equally frequent.
    """

    name: str
    low: float
    high: float
    bounded: bool
    tried: int
    outside: int
    distinct: int
    bins: int
    occupied: float
    evenness: float


class JointCoverage(NamedTuple):
    """Coverage of the joint space of all parameters.

    Each measure has a reference value for the same number of uniformly random rows, because no affordable number of
    rows fills a space of many dimensions.

    Attributes:
        rows: Number of rows without a missing value in the parameters used.
        pair_cells: Share of occupied cells, 0 to 1, averaged over pairs of parameters. Each range has at most 8 bins.
        pair_cells_random: The same for uniformly random rows, `1 - (1 - 1/cells)^rows`.
        least_covered: Pair with the lowest share relative to the random one; `None` for fewer than two parameters.
        discrepancy: Centred L2 discrepancy of at most 1000 rows (Hickernell 1998), 0 if perfectly even; numeric
            parameters only.
        discrepancy_random: Its root mean square for the same number of random points,
            `sqrt(((5/4)^d - (13/12)^d) / m)`.
        gap: Mean distance from a random point of the space to the nearest row, with each range scaled to 1.
        gap_random: The same for random rows. A ratio `gap / gap_random` of 1 is as good as random search; 2 leaves
            holes twice as wide.
    """

    rows: int
    pair_cells: float
    pair_cells_random: float
    least_covered: tuple[str, str] | None
    discrepancy: float
    discrepancy_random: float
    gap: float
    gap_random: float


def combinations(parameters: Mapping[str, Given], *, most: int = 5) -> Combinations:
    """Count the distinct combinations of parameter values, and return the most frequent ones.

    Args:
        parameters: Column of each parameter, shape `(n,)` each.
        most: Maximum number of frequent combinations to return.
    """
    columns = tried_columns(parameters)
    rows = columns[0].values.size if columns else 0
    if not rows:
        return Combinations(0, 0, (), 0.0)
    _, first, counts = np.unique(combination_keys(columns), return_index=True, return_counts=True)
    order = np.lexsort((first, -counts))[:most]
    frequent = tuple((_row(columns, int(first[at])), int(counts[at])) for at in order)
    return Combinations(rows, counts.size, frequent, _hill(counts))


def combination_keys(columns: list[ParameterColumn]) -> NDArray[np.int64]:
    """Return an integer for each row, equal for equal combinations, shape `(n,)`."""
    keys, different = columns[0].keys(), 1
    for column in columns:
        own = column.keys()
        width = int(own.max(initial=0)) + 1
        if different > _LARGEST // width:  # avoid overflow: renumber the combinations so far
            keys = np.unique(keys, return_inverse=True)[1].astype(np.int64)
            different = int(keys.max(initial=0)) + 1
        keys = own if column is columns[0] else keys * width + own
        different *= width
    return keys


def range_coverage(
    parameters: Mapping[str, Given], *, bounds: Bounds | None = None, logarithmic: Collection[str] = ()
) -> tuple[RangeCoverage, ...]:
    """Return the coverage of each parameter's range.

    Args:
        parameters: Column of each parameter, shape `(n,)` each.
        bounds: Lowest and highest allowed value, for the parameters with known bounds.
        logarithmic: Parameters on a logarithmic scale, whose bins have equal width in the logarithm.
    """
    return tuple(
        _range(column, (bounds or {}).get(column.name), column.name in logarithmic)
        for column in tried_columns(parameters)
    )


def joint_coverage(
    parameters: Mapping[str, Given],
    generator: np.random.Generator,
    *,
    bounds: Bounds | None = None,
    logarithmic: Collection[str] = (),
) -> JointCoverage:
    """Return the coverage of the joint space of all parameters.

    Rows with a missing value and parameters with a single value are left out. The ranges are the given bounds,
    otherwise those of the tried values.

    Args:
        parameters: Column of each parameter, shape `(n,)` each.
        generator: Random generator for the rows of the discrepancy, and for the points from which gaps are measured.
        bounds: Lowest and highest allowed value, for the parameters with known bounds.
        logarithmic: Parameters on a logarithmic scale.
    """
    limits = bounds or {}
    columns = [column for column in tried_columns(parameters) if column.present.any()]
    columns = [c for c in columns if c.name in limits or np.ptp(c.values[c.present]) > 0]
    whole = np.logical_and.reduce([column.present for column in columns]) if columns else np.zeros(0, dtype=bool)
    columns = [column.take(whole) for column in columns]
    rows = int(np.count_nonzero(whole))
    cells, random_cells, least = _pair_cells(columns, limits, logarithmic)
    numbers = [column for column in columns if column.numeric]
    if rows < _FEWEST_POINTS or not numbers:
        nan = float("nan")
        return JointCoverage(rows, cells, random_cells, least, nan, nan, nan, nan)
    limits = {c.name: ends(c, limits.get(c.name)) for c in numbers}
    if rows > _MOST_POINTS:
        drawn = generator.choice(rows, size=_MOST_POINTS, replace=False)
        numbers = [column.take(drawn) for column in numbers]
    count, dimensions = numbers[0].values.size, len(numbers)
    points = np.empty((count, dimensions))
    for at, c in enumerate(numbers):
        within = generator.random(count)
        points[:, at] = unit_places(c, limits[c.name], logarithmic=c.name in logarithmic, within=within)
    probes, tries = generator.random((_PROBES, dimensions)), generator.random((count, dimensions))
    return JointCoverage(
        rows=rows,
        pair_cells=cells,
        pair_cells_random=random_cells,
        least_covered=least,
        discrepancy=centred_discrepancy(points),
        discrepancy_random=float(np.sqrt((1.25**dimensions - (13 / 12) ** dimensions) / count)),
        gap=_mean_gap(probes, points),
        gap_random=_mean_gap(probes, tries),
    )


def centred_discrepancy(points: NDArray[np.float64]) -> float:
    """Return the centred L2 discrepancy of points in the unit cube.

        CD^2 = (13/12)^d - 2/n sum_i prod_k (1 + a_ik/2 - a_ik^2/2)
               + 1/n^2 sum_ij prod_k (1 + a_ik/2 + a_jk/2 - |x_ik - x_jk|/2)

    with `a = |x - 1/2|` (Hickernell 1998, Mathematics of Computation 67, eq. 5.5). Time and memory grow with `n^2`.

    Args:
        points: Points, shape `(n, d)`, within [0, 1].
    """
    count, dimensions = points.shape
    distance = np.abs(points - 0.5)
    single = np.prod(1.0 + 0.5 * distance - 0.5 * distance**2, axis=1)
    double = np.ones((count, count))
    for k in range(dimensions):
        mine = distance[:, k]
        double *= 1.0 + 0.5 * (mine[:, None] + mine - np.abs(points[:, k, None] - points[:, k]))
    squared = (13 / 12) ** dimensions - 2.0 * float(single.mean()) + float(double.mean())
    return float(np.sqrt(max(squared, 0.0)))


def unit_places(
    column: ParameterColumn,
    bounds: tuple[float, float] | None = None,
    *,
    logarithmic: bool = False,
    within: float | NDArray[np.float64] = 0.5,
) -> NDArray[np.float64]:
    """Return the position of each value in its range, 0 to 1, shape `(n,)`.

    Values outside the bounds are moved to the nearest end. An integer `v` represents the interval `[v, v + 1)`, so a
    small number of integers are not points with holes between them.

    Args:
        column: Parameter without missing values.
        bounds: Range of the parameter; by default the range of the tried values.
        logarithmic: Whether the scale is logarithmic. Ignored unless all of the range is positive.
        within: Position of an integer in its interval, 0 to 1: a number, or one per row.
    """
    low, high = ends(column, bounds)
    values = np.clip(column.values, low, high)
    if column.whole or not column.numeric:
        values, high = values + within, high + 1.0
    if logarithmic and column.numeric and low > 0:
        values, low, high = np.log(values), float(np.log(low)), float(np.log(high))
    return (values - low) / (high - low) if high > low else np.zeros(values.size)


def binned(
    column: ParameterColumn,
    bounds: tuple[float, float] | None,
    *,
    bins: int,
    most_whole: int,
    logarithmic: bool = False,
) -> tuple[NDArray[np.int64], int]:
    """Return the bin of each value, shape `(n,)`, and the number of bins.

    Args:
        column: Parameter without missing values, with at least one row.
        bounds: Range of the parameter; by default the range of the tried values.
        bins: Number of bins of equal width. Levels have one bin each instead.
        most_whole: Maximum number of integers in the range for which each has its own bin.
        logarithmic: Whether the bins have equal width in the logarithm.
    """
    low, high = ends(column, bounds)
    if not column.numeric or (column.whole and low % 1 == 0 and high % 1 == 0 and high - low < most_whole):
        return np.clip(column.values - low, 0.0, high - low).astype(np.int64), round(high - low) + 1
    if not high > low:
        return np.zeros(column.values.size, dtype=np.int64), 1
    places = unit_places(column, bounds, logarithmic=logarithmic)
    return np.minimum((places * bins).astype(np.int64), bins - 1), bins


def ends(column: ParameterColumn, bounds: tuple[float, float] | None) -> tuple[float, float]:
    """Return the ends of a parameter's range: the given bounds, otherwise the extremes of the tried values.

    For levels, they are the first and the last index.
    """
    if not column.numeric:
        return 0.0, float(len(column.levels) - 1)
    if bounds is not None:
        return float(bounds[0]), float(bounds[1])
    values = column.values[column.present]
    return float(values.min()), float(values.max())


def _range(column: ParameterColumn, bounds: tuple[float, float] | None, logarithmic: bool) -> RangeCoverage:
    kept = column.take(column.present)
    nan = float("nan")
    bounded = bounds is not None and column.numeric
    if not kept.values.size:
        low, high = (float(end) for end in bounds) if bounds is not None and bounded else (nan, nan)
        return RangeCoverage(column.name, low, high, bounded, 0, 0, 0, 0, nan, nan)
    low, high = ends(kept, bounds) if column.numeric else (nan, nan)
    indices, bins = binned(kept, bounds, bins=BINS, most_whole=_MOST_WHOLE, logarithmic=logarithmic)
    counts = np.bincount(indices, minlength=bins)
    return RangeCoverage(
        name=column.name,
        low=low,
        high=high,
        bounded=bounded,
        tried=kept.values.size,
        outside=int(np.count_nonzero((kept.values < low) | (kept.values > high))) if bounded else 0,
        distinct=int(np.unique(kept.values).size),
        bins=bins,
        occupied=float(np.count_nonzero(counts) / bins),
        evenness=_hill(counts) / bins,
    )


def _pair_cells(
    columns: list[ParameterColumn], limits: Bounds, logarithmic: Collection[str]
) -> tuple[float, float, tuple[str, str] | None]:
    rows = columns[0].values.size if columns else 0
    if rows == 0 or len(columns) < 2:  # noqa: PLR2004 - a pair
        return float("nan"), float("nan"), None
    cut = {
        c.name: binned(c, limits.get(c.name), bins=CELLS, most_whole=CELLS, logarithmic=c.name in logarithmic)
        for c in columns
    }
    names = list(pairs_of(cut, 2))
    shares, randoms = np.zeros(len(names)), np.zeros(len(names))
    for at, (one, other) in enumerate(names):
        (mine, mine_bins), (theirs, their_bins) = cut[one], cut[other]
        cells = mine_bins * their_bins
        shares[at] = np.count_nonzero(np.bincount(mine * their_bins + theirs, minlength=cells)) / cells
        randoms[at] = 1.0 - (1.0 - 1.0 / cells) ** rows
    return float(shares.mean()), float(randoms.mean()), names[int(np.argmin(shares / randoms))]


def _mean_gap(probes: NDArray[np.float64], points: NDArray[np.float64]) -> float:
    """Return the mean Euclidean distance from a probe to the nearest point."""
    squared = (probes**2).sum(axis=1)[:, None] + (points**2).sum(axis=1) - 2.0 * (probes @ points.T)
    return float(np.sqrt(np.maximum(squared.min(axis=1), 0.0)).mean())


def _hill(counts: NDArray[Any]) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _row(columns: list[ParameterColumn], at: int) -> dict[str, Any]:
    return {c.name: c.said(float(c.values[at])) for c in columns if c.present[at]}
