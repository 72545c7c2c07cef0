"""Down-sampled curves keep the extremes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.series.down_sampling import down_sample, sparks

_VALUE = st.one_of(st.floats(-1e9, 1e9), st.sampled_from([math.nan, math.inf, -math.inf]))


@given(st.lists(_VALUE, max_size=300), st.integers(8, 40))
def test_extremes_ends_and_gaps_are_kept(values: list[float], points: int) -> None:
    """A curve keeps the lowest, highest, first and last value, and every kind of non-finite value."""
    series = np.array(values, dtype=np.float64)
    curve = down_sample(series, points=points)

    assert np.array_equal(series[curve.indices], curve.values, equal_nan=True)
    assert np.all(np.diff(curve.indices) > 0)
    assert (curve.total, curve.nans) == (series.size, int(np.isnan(series).sum()))
    assert curve.infinities == int(np.isinf(series).sum())
    for kind in (np.isnan, np.isposinf, np.isneginf):
        assert kind(curve.values).any() == kind(series).any()
    finite, kept = series[np.isfinite(series)], curve.values[np.isfinite(curve.values)]
    if finite.size:
        assert [kept.min(), kept.max()] == [finite.min(), finite.max()]
    if series.size:
        assert curve.indices[[0, -1]].tolist() == [0, series.size - 1]


def test_buckets_keep_the_first_lowest_highest_and_last_value() -> None:
    """16 values with 8 points form two buckets."""
    values = [3.0, 1.0, 9.0, 4.0, 5.0, 6.0, 7.0, 2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]

    assert down_sample(values, points=8).indices.tolist() == [0, 1, 2, 7, 8, 15]


def test_every_bucket_keeps_its_spikes() -> None:
    """The curve contains a spike up and a spike down for each of 250 buckets."""
    values = np.zeros(100_000)
    values[200::400] = 5.0
    values[100::400] = -5.0

    curve = down_sample(values)
    assert curve.values.size <= 1000
    assert [int((curve.values == spike).sum()) for spike in (5.0, -5.0)] == [250, 250]


def test_a_short_curve_is_kept_whole() -> None:
    """A curve with at most the requested number of points is unchanged."""

    assert down_sample(np.arange(1000.0)).indices.tolist() == list(range(1000))


def test_points_keep_their_positions() -> None:
    """Each point has the position of its value."""
    curve = down_sample(np.arange(5000.0), 10.0 * np.arange(5000.0))

    assert np.array_equal(curve.positions, 10.0 * curve.values)


def test_too_few_points_and_different_lengths_are_refused() -> None:
    """The minimum is eight points."""
    with pytest.raises(ValueError, match="at least 8"):
        down_sample([1.0], points=7)
    with pytest.raises(ValueError, match="1 values but 2 positions"):
        down_sample([1.0], [1.0, 2.0])


def test_a_sparkline_has_the_mean_of_each_part() -> None:
    """It averages finite values: NaN if none is finite, and None if all are missing."""
    values = np.ma.masked_array([1.0, 3.0, math.nan, 5.0, math.inf, math.nan, 0.0, 0.0], [False] * 6 + [True] * 2)

    assert sparks(values, 4)[:2] == (2.0, 5.0)
    assert math.isnan(sparks(values, 4)[2] or 0.0)
    assert sparks(values, 4)[3] is None
    assert sparks(np.array([1.0, 2.0]), 4) == (1.0, 2.0)
    assert sparks(np.full(8, 1.7e308), 2) == (1.7e308, 1.7e308)
    assert sparks(np.empty(0)) == ()
