"""A long curve as about a thousand points that keep every extreme."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_A_BUCKET = 4  # first, lowest, highest, last
_FEWEST_POINTS = 8


class DownSampled(NamedTuple):
    """Points of a curve.

    Attributes:
        positions: Where they stand, shape `(k,)`, in the order given.
        values: Shape `(k,)`; NaN and infinities are points like any other.
        indices: Of the points in the series they were taken from, shape `(k,)`, rising.
        nans: NaN values in the whole series.
        infinities: Infinite values in the whole series.
        total: Values in the whole series.
    """

    positions: NDArray[np.float64]
    values: NDArray[np.float64]
    indices: NDArray[np.int64]
    nans: int
    infinities: int
    total: int


def down_sample(values: ArrayLike, positions: ArrayLike | None = None, *, points: int = 1000) -> DownSampled:
    """A curve of at most about `points` points that shows what all of it would.

    The series is cut into `floor(points / 4)` buckets of equally many values, and of each bucket the first, lowest,
    highest and last value are kept: the M4 aggregation (Jugel et al. 2014, PVLDB 7), which draws a line chart of that
    many columns without an error of a pixel. The lowest and highest are of the finite values. A bucket with NaN keeps
    its first NaN, one with infinities the first of each sign: these come on top. So every extreme and every sort of
    hole is in the curve, at its own place. O(n).

    Args:
        values: Shape `(n,)`.
        positions: Where each stands, shape `(n,)`; its index where none is given.
        points: How many are wanted; at least 8. A series of no more than that is kept whole.

    Raises:
        ValueError: Too few points are wanted, or values and positions differ in length.
    """
    series = np.asarray(values, dtype=np.float64).ravel()
    if points < _FEWEST_POINTS:
        raise ValueError(f"a curve needs at least {_FEWEST_POINTS} points, not {points}")
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
    """Shorten a series to the means of equal stretches, for a curve in the size of a word.

    Args:
        values: Shape `(n,)`; missing values are masked.
        many: Number of stretches, at most.

    Returns:
        The mean of the finite values of each stretch: NaN where none is finite, `None` where all are missing.
    """
    return tuple(map(_stretch_mean, np.array_split(values, min(many, values.size)))) if values.size else ()


def _stretch_mean(part: NDArray[np.float64]) -> float | None:
    reported = np.ma.asarray(part).compressed()
    finite = reported[np.isfinite(reported)]
    scale = float(np.abs(finite).max(initial=0.0)) or 1.0  # the sum of the largest has no float
    if finite.size:
        return float((finite / scale).mean() * scale)
    return math.nan if reported.size else None


def _kept(series: NDArray[np.float64], finite: NDArray[np.bool_] | None, buckets: int) -> NDArray[np.int64]:
    """Indices of the points to keep, rising."""
    size = series.size // buckets
    longer = series.size - size * buckets  # so many buckets, the first ones, hold one value more
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
