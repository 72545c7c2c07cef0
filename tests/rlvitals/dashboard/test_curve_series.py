"""Tests of the curves for the pages."""

import math

import numpy as np
import pytest

from rlvitals.dashboard.curve_series import CurveSeries, plain_numbers, series
from rlvitals.dashboard.query_params import View
from rlvitals.runs.column_store import Cells, Floats
from rlvitals.stats.series.averages import exponential_average


def curve(values: Floats, **more: object) -> CurveSeries:
    cells = Cells(values, np.ones(values.size, dtype=bool))
    view = View(**more)  # type: ignore[arg-type]
    return series(cells, np.arange(values.size, dtype=float), view, field="f", clock="row")


def test_every_extreme_and_non_finite_value_is_kept() -> None:
    """One spike, one NaN and one infinity among a hundred thousand values stay at their positions."""
    values = np.sin(np.arange(100_000) / 1_000)
    values[31_234], values[52_345], values[73_456] = 50.0, math.nan, -math.inf
    made = curve(values, points=400)
    points = dict(zip(made.points.x, made.points.y, strict=True))

    assert len(points) < 500
    assert (points[31_234.0], points[52_345.0], points[73_456.0]) == (50.0, "NaN", "-Infinity")
    assert (made.extent.nan, made.extent.infinite, made.extent.max) == (1, 1, 50.0)


def test_a_zoom_has_full_resolution() -> None:
    """A curve has all values in the range and one on either side, so that the line reaches the edges."""
    made = curve(np.arange(100_000.0), low=500.0, high=600.0)

    assert made.points.x == list(np.arange(499.0, 602.0))


def test_the_average_equals_the_analysis_and_can_be_continued() -> None:
    """The last value, the window and the count give the next average, with `s = 1 - 2 / (window + 1)`."""
    values = np.random.default_rng(0).normal(size=300)
    whole, part = (curve(part, smoothing=10, points=4_000).smooth for part in (values, values[:-1]))
    assert whole is not None
    assert part is not None
    s = 1 - 2 / (10 + 1)
    carried = (part.y[-1] * (1 - s**299) * s + (1 - s) * values[-1]) / (1 - s**300)

    assert whole.y[-1] == pytest.approx(exponential_average(values, s)[-1])
    assert carried == pytest.approx(whole.y[-1])


def test_the_band_contains_the_middle_eighty_per_cent() -> None:
    """The band covers the finite values of each stretch."""
    values = np.random.default_rng(0).permuted(np.tile(np.arange(100.0), (80, 1)), axis=1).ravel()
    values[7] = math.nan
    band = curve(values).band

    assert band is not None
    assert np.abs(np.array(band.low) - 10).max() <= 2
    assert np.abs(np.array(band.high) - 89).max() <= 2


@pytest.mark.parametrize(
    "values", [[], [1.0], [math.nan] * 500, [math.inf, -math.inf] * 50, [1e308, -1e308] * 100, [5.0] * 90]
)
def test_any_values_give_a_curve(values: list[float]) -> None:
    """No value, one value, non-finite, equal and very large values are handled."""
    made = curve(np.array(values))

    assert made.extent.values == len(values)
    assert made.extent.mean is None or math.isfinite(made.extent.mean)


def test_missing_rows_are_not_points() -> None:
    """Rows without a position on the clock are not points either."""
    cells = Cells(np.array([1.0, 2.0, 3.0]), np.array([True, False, True]))
    made = series(cells, np.array([1.0, 2.0, math.nan]), View(), field="f", clock="c")

    assert (made.points.x, made.points.y) == ([1.0], [1.0])


def test_non_finite_numbers_are_spelled() -> None:
    """They are spelled as in the run files, and missing values are `None`."""
    assert plain_numbers(np.array([1.0, math.nan]), np.array([False, True])) == [None, "NaN"]
    assert plain_numbers(np.array([1.0, math.nan, math.inf, -math.inf])) == [1.0, "NaN", "Infinity", "-Infinity"]
