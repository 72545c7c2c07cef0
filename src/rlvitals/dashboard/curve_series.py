"""Curves for the pages: down-sampled points that keep every extreme, a moving average, and the spread."""

import math
from typing import Any

import msgspec
import numpy as np

from rlvitals.dashboard.query_params import AUTO, FEWEST_POINTS, View
from rlvitals.records.coercion import spelled
from rlvitals.runs.column_store import Cells, Flags, Floats
from rlvitals.stats.series.averages import exponential_average
from rlvitals.stats.series.down_sampling import down_sample
from rlvitals.stats.series.middle_band import middle_band

_AUTO_SHARE = 30
_FINE = 20
"""Minimum number of blocks per smoothing window. Long series are smoothed over block means instead of values."""
_MOST_SMOOTHED = 20_000
_MOST_STRETCHES = 80
_STRETCH_SAMPLE = 400
_SAMPLED = 20_000


class CurvePoints(msgspec.Struct, frozen=True):
    """Points of a line. `y` can contain "NaN", "Infinity" and "-Infinity"."""

    x: list[float]
    y: list[Any]


class Smooth(msgspec.Struct, frozen=True):
    """An exponential moving average.

    Attributes:
        window: Span of the average in values; the smoothing factor is `s = 1 - 2 / (window + 1)`.
        values: Number of finite values in the average, so that a page can continue it.
    """

    x: list[float]
    y: list[Any]
    window: int
    values: int


class CurveBand(msgspec.Struct, frozen=True):
    """Band of the middle 80 % of the values, in at most 80 stretches."""

    x: list[float]
    low: list[float]
    high: list[float]


class CurveExtent(msgspec.Struct, frozen=True):
    """Statistics of the values in the range.

    Attributes:
        values: Number of values.
        nan: Number of NaN values.
        infinite: Number of infinite values.
        low: 1 % quantile.
        high: 99 % quantile.
        last: Last value.
    """

    values: int
    nan: int
    infinite: int
    min: float | None
    max: float | None
    mean: float | None
    low: float | None
    high: float | None
    last: Any


class CurveSeries(msgspec.Struct, frozen=True):
    """One curve.

    Attributes:
        rows: Number of rows of the stream that the curve includes; rows pushed later follow these.
        clock: Clock of the positions; differs from the requested clock if the stream lacks it.
        shown: Number of points that represent the values in the range.
    """

    stream: str
    field: str
    clock: str
    rows: int
    shown: int
    range: tuple[float, float] | None
    points: CurvePoints
    smooth: Smooth | None
    band: CurveBand | None
    extent: CurveExtent


def series(
    cells: Cells, positions: Floats, view: View, *, field: str, clock: str, where: Flags | None = None
) -> CurveSeries:
    """Return a curve of a field.

    Args:
        cells: Values of all rows.
        positions: Position of each row on the clock, shape `(n,)`; NaN if unknown.
        view: Visible part.
        field: Name of the field.
        clock: Clock of the positions.
        where: Mask of the rows to include, shape `(n,)`. Default: all rows.
    """
    rows = cells.values.size
    everything = _range(positions)
    if not view.is_open:
        near = _near(positions, view)  # the cost of a zoom depends on the visible rows only
        cells, positions = Cells(cells.values[near], cells.present[near]), positions[near]
        where = None if where is None else where[near]
    chosen = cells.present & ~np.isnan(positions)
    if where is not None:
        chosen &= where
    values, x = (cells.values, positions) if chosen.all() else (cells.values[chosen], positions[chosen])
    visible = _visible(x, view)
    before = visible.start
    window = _window(view.smoothing, visible.stop - visible.start)
    lead = max(0, before - 5 * window)
    shown = values[visible]
    curve = down_sample(shown, x[visible], points=view.points)
    smooth = _smooth(values[lead : visible.stop], x[lead : visible.stop], before - lead, window, view.points)
    return CurveSeries(
        stream=view.stream,
        field=field,
        clock=clock,
        rows=rows,
        shown=int(curve.values.size),
        range=everything,
        points=CurvePoints(curve.positions.tolist(), plain_numbers(curve.values)),
        smooth=smooth,
        band=_band(shown, x[visible]),
        extent=_extent(shown, curve.nans, curve.infinities),
    )


def plain_numbers(values: Floats, present: Flags | None = None) -> list[Any]:
    """Return numbers for strict JSON: non-finite ones as strings, missing ones as `None`."""
    plain: list[Any] = values.tolist()
    for place in np.flatnonzero(~np.isfinite(values)):
        plain[place] = spelled(plain[place])
    for place in () if present is None else np.flatnonzero(~present):
        plain[place] = None
    return plain


def _near(positions: Floats, view: View) -> slice:
    """Return the rows of a range, plus the preceding rows that the average needs."""
    seen = _visible(positions, view)
    lead = 5 * max(_FINE, _window(view.smoothing, seen.stop - seen.start))
    return slice(max(0, seen.start - lead), seen.stop)


def _range(positions: Floats) -> tuple[float, float] | None:
    if not positions.size:
        return None
    low, high = float(np.fmin.reduce(positions)), float(np.fmax.reduce(positions))
    return None if math.isnan(low) else (low, high)


def _visible(x: Floats, view: View) -> slice:
    """Return the slice from the first row in the range to the last. Positions need not be sorted exactly."""
    if view.is_open:
        return slice(0, x.size)
    inside = np.flatnonzero(view.contains(x))
    if not inside.size:
        return slice(0, 0)
    # Add one row on either side, so that the line reaches the edges.
    return slice(max(0, int(inside[0]) - 1), min(x.size, int(inside[-1]) + 2))


def _window(smoothing: int, visible: int) -> int:
    if smoothing == AUTO:
        return max(5, visible // _AUTO_SHARE) if visible >= 2 * _AUTO_SHARE else 5 if visible > _FINE else 0
    return smoothing


def _smooth(values: Floats, x: Floats, lead: int, window: int, points: int) -> Smooth | None:
    if window <= 1:
        return None
    block = max(1, min(window // _FINE, values.size // _MOST_SMOOTHED))
    finite = int(np.isfinite(values).sum())
    if block > 1:
        edges = np.arange(0, values.size, block)
        good = np.isfinite(values)
        counts = np.add.reduceat(good.astype(np.float64), edges)
        with np.errstate(invalid="ignore", over="ignore"):
            sums = np.add.reduceat(np.where(good, values, 0.0), edges)
            values = np.divide(sums, counts, out=np.full(edges.size, np.nan), where=counts > 0)
        x = x[np.minimum(edges + block - 1, x.size - 1)]
        lead //= block
    average = exponential_average(values, 1.0 - 2.0 / (window / block + 1.0))
    if not lead:  # the first averages cover too few values
        lead = min(window // block // 3, values.size // 10)
    curve = down_sample(average[lead:], x[lead:], points=max(FEWEST_POINTS, points // 3))
    return Smooth(curve.positions.tolist(), plain_numbers(curve.values), window, finite)


def _band(values: Floats, x: Floats) -> CurveBand | None:
    stretches = min(_MOST_STRETCHES, values.size // _FINE)
    if stretches < 4:  # noqa: PLR2004 - a band of three stretches is not informative
        return None
    positions, low, high = (column.tolist() for column in middle_band(values, x, stretches, most=_STRETCH_SAMPLE))
    return CurveBand(positions, low, high) if positions else None


def _extent(values: Floats, nans: int, infinities: int) -> CurveExtent:
    finite = values[np.isfinite(values)] if nans or infinities else values
    last = plain_numbers(values[-1:])
    counts: dict[str, Any] = {
        "values": values.size,
        "nan": nans,
        "infinite": infinities,
        "last": last[0] if last else None,
    }
    if not finite.size:
        return CurveExtent(min=None, max=None, mean=None, low=None, high=None, **counts)
    low, high = np.quantile(finite[:: max(1, finite.size // _SAMPLED)], [0.01, 0.99])
    scale = float(np.abs(finite).max()) or 1.0  # avoids overflow in the sum
    return CurveExtent(
        min=float(finite.min()),
        max=float(finite.max()),
        mean=float((finite / scale).mean() * scale),
        low=float(low),
        high=float(high),
        **counts,
    )
