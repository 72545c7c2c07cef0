"""Tests of axis limits."""

import pytest

from rlvitals.comparison import IntervalEstimate
from rlvitals.documents.axis_limits import around_zero, is_far, of_groups


def test_one_group_far_out_does_not_flatten_the_others() -> None:
    """An outlier group is left at the edge, but two groups far apart are both inside."""
    near = [([1.0, 2.0], (1.5, 0.0, 3.0)), ([2.0, 3.0], (2.5, 1.0, 4.0)), ([4.0], (4.0, None, None))]

    assert of_groups([*near, ([1e6], (1e6, None, None))])[1] < 10.0
    assert of_groups([near[0], ([1e6], (1e6, None, None))])[1] > 1e6


def test_a_wide_interval_does_not_squeeze_the_runs() -> None:
    """An interval thirteen times as wide as the values extends the axis by at most half of their range."""
    low, high = of_groups([([1.0, 2.0], (1.5, -5.0, 8.0))])

    assert (low, high) == pytest.approx((0.4, 2.6))


@pytest.mark.parametrize(
    ("values", "far"),
    [
        ([], []),
        ([1.0, 1.0, 1.0, 5.0], [False] * 4),
        ([1.0, 2.0, 3.0, 4.0, 1e9], [False] * 4 + [True]),
        ([-1.7e308, 1.7e308], [False, False]),
    ],
)
def test_far_is_far_from_most(values: list[float], far: list[bool]) -> None:
    """Values are far only relative to most of them, so equal values have no outliers."""
    assert is_far(values) == far


def test_limits_of_differences_hold_zero() -> None:
    """The limits hold zero and all estimates that are not far."""
    low, high = around_zero(
        [IntervalEstimate(3.0, 2.0, 4.0), IntervalEstimate(1.0, None, None), IntervalEstimate(2.0, -900.0, 900.0)]
    )

    assert low == pytest.approx(-12.0, abs=1.5)
    assert high == pytest.approx(12.0, abs=1.5)
    near = [
        IntervalEstimate(1.0, 0.5, 1.5),
        IntervalEstimate(2.0, 1.0, 3.0),
        IntervalEstimate(-1.0, -1.5, -0.5),
        IntervalEstimate(1.5, 1.0, 2.0),
    ]
    assert around_zero([*near, IntervalEstimate(1e6, None, None)])[0] == pytest.approx(-1.7, abs=0.2)
    assert around_zero([*near, IntervalEstimate(1e6, 0.9e6, 1.1e6)])[1] < 20.0
    assert around_zero([IntervalEstimate(None, None, None)]) == (-1.0, 1.0)
