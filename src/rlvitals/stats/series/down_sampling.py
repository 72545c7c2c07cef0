"""Down-sampling of long curves that keeps every extreme."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_A_BUCKET = 4  # first, lowest, highest, last
_FEWEST_POINTS = 8


class DownSampled(NamedTuple):
    """Points of a down-sampled curve.

    Attributes:
        positions: Position of each point, shape `(k,)`, in the order of the series.
        values: Value of each point, shape `(k,)`, including NaN and infinities.
        indices: Index of each point in the original series, shape `(k,)`, increasing.
        nans: Number of NaN values in the whole series.
        infinities: Number of infinite values in the whole series.
        total: Number of values in the whole series.
    """

    positions: NDArray[np.float64]
    values: NDArray[np.float64]
    indices: NDArray[np.int64]
    nans: int
    infinities: int
    total: int


def down_sample(values: ArrayLike, positions: ArrayLike | None = None, *, points: int = 1000) -> DownSampled:
    """Return a curve of about `points` points that looks the same as the whole series.

    The series is divided into `floor(points / 4)` buckets of equally many values. The first, lowest, highest and last
    value of each bucket are kept. This is the M4 aggregation (Jugel et al. 2014, PVLDB 7), which draws a line chart of
    that many columns without a pixel error. The lowest and highest are taken from the finite values. A bucket with NaN
    also keeps its first NaN, and a bucket with infinities the first of each sign; these points are additional. All
    extremes and gaps are therefore in the curve, at their own positions. The cost is O(n).

    Args:
        values: Series, shape `(n,)`.
        positions: Position of each value, shape `(n,)`; by default its index.
        points: Number of points to keep, at least 8. A series of at most that length is returned whole.

    Raises:
        ValueError: The number of points is below 8, or values and positions differ in length.
    """
    series = np.asarray(values, dtype=np.float64).ravel()
    if points < _FEWEST_POINTS:
        raise ValueError(f"points must be at least {_FEWEST_POINTS}, not {points}")
    where = None if positions is None else np.asarray(positions, dtype=np.float64).ravel()
    if where is not None and where.size != series.size:
        raise ValueError(f"{series.size} values but {where.size} positions")
    finite = np.isfinite(series)
    clean = bool(finite.all())
    nans = 0 if clean else int(np.count_nonzero(np.isnan(series)))
    infinities = 0 if clean else series.size - int(np.count_nonzero(finite)) - nans
    if series.size <= points:
        kept = np.arange(series.size, dtype=np.int64)
    else:
        kept = _kept(series, None if clean else finite, points // _A_BUCKET)
    return DownSampled(
        positions=kept.astype(np.float64) if where is None else where[kept],
        values=series[kept],
        indices=kept,
        nans=nans,
        infinities=infinities,
        total=series.size,
    )


def sparks(values: NDArray[np.float64], many: int = 40) -> tuple[float | None, ...]:
    """Shorten a series to the means of equal parts, for a sparkline.

    Args:
        values: Series, shape `(n,)`. Missing values are masked.
        many: Maximum number of parts.

    Returns:
        The mean of the finite values of each part: NaN if none is finite, `None` if all are missing.
    """
    return tuple(map(_stretch_mean, np.array_split(values, min(many, values.size)))) if values.size else ()


def _stretch_mean(part: NDArray[np.float64]) -> float | None:
    reported = np.ma.asarray(part).compressed()
    finite = reported[np.isfinite(reported)]
    scale = float(np.abs(finite).max(initial=0.0)) or 1.0  # prevents overflow of the sum
    if finite.size:
        return float((finite / scale).mean() * scale)
    return math.nan if reported.size else None


def _kept(series: NDArray[np.float64], finite: NDArray[np.bool_] | None, buckets: int) -> NDArray[np.int64]:
    """Return the indices of the points to keep, shape `(k,)`, increasing."""
    size = series.size // buckets
    longer = series.size - size * buckets  # the first `longer` buckets hold one more value
    split = longer * (size + 1)
    parts = (
        _of_equal_buckets(series[:split], None if finite is None else finite[:split], size + 1),
        split + _of_equal_buckets(series[split:], None if finite is None else finite[split:], size),
    )
    return np.unique(np.concatenate(parts))


def _of_equal_buckets(series: NDArray[np.float64], finite: NDArray[np.bool_] | None, size: int) -> NDArray[np.int64]:
    if not series.size:
        return np.zeros(0, dtype=np.int64)
    table = series.reshape(-1, size)
    starts = np.arange(table.shape[0], dtype=np.int64) * size
    found = [starts, starts + size - 1]
    if finite is None:
        found += [starts + table.argmin(axis=1), starts + table.argmax(axis=1)]
        return np.concatenate(found)
    usable = finite.reshape(-1, size)
    any_usable = usable.any(axis=1)
    found.append((starts + np.where(usable, table, np.inf).argmin(axis=1))[any_usable])
    found.append((starts + np.where(usable, table, -np.inf).argmax(axis=1))[any_usable])
    for odd in (np.isnan(table), table == np.inf, table == -np.inf):
        found.append((starts + odd.argmax(axis=1))[odd.any(axis=1)])
    return np.concatenate(found)
