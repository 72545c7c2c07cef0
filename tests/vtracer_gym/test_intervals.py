from __future__ import annotations

import math

import numpy as np
import pytest

from vtracer_gym.intervals import bootstrap_interval


def test_agrees_with_the_normal_interval() -> None:
    """For many normal values, the ends are 1.96 standard errors from the mean."""
    values = np.random.default_rng(0).normal(3.0, 2.0, 400)
    interval = bootstrap_interval(values, np.random.default_rng(1))
    error = values.std() / math.sqrt(values.size)

    assert interval.low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error)
    assert interval.high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error)


def test_coverage_equals_the_confidence() -> None:
    """For 200 skewed samples of 30, about 95 % of the intervals contain the true mean."""
    draw, resample = np.random.default_rng(0), np.random.default_rng(1)
    intervals = [bootstrap_interval(draw.exponential(1.0, 30), resample) for _ in range(200)]

    assert 0.88 <= np.mean([interval.low <= 1.0 <= interval.high for interval in intervals]) <= 0.99


def test_skew_moves_the_interval() -> None:
    """A long upper tail makes the upper side of the interval longer."""
    interval = bootstrap_interval(np.random.default_rng(2).exponential(1.0, 50), np.random.default_rng(0))

    assert interval.high - interval.mean > interval.mean - interval.low


def test_shift_and_scale() -> None:
    """Shifting and scaling the values shifts and scales the interval."""
    values = np.random.default_rng(0).normal(size=20)
    plain = bootstrap_interval(values, np.random.default_rng(1))
    moved = bootstrap_interval(10 * values + 5, np.random.default_rng(1))

    assert (moved.low, moved.high) == pytest.approx((10 * plain.low + 5, 10 * plain.high + 5))


def test_seed_is_honoured() -> None:
    """The same seed gives the same interval, and another seed a similar one."""
    values = np.random.default_rng(0).normal(size=20)
    one, same, other = (bootstrap_interval(values, np.random.default_rng(seed)) for seed in (1, 1, 2))

    assert one == same
    assert one.low != other.low
    assert one.low == pytest.approx(other.low, abs=0.05)


def test_equal_values_have_no_spread() -> None:
    """If all values are equal, the interval has zero width."""
    interval = bootstrap_interval([2.0, 2.0, 2.0], np.random.default_rng(0))

    assert (interval.mean, interval.low, interval.high) == (2.0, 2.0, 2.0)


def test_one_value_has_only_a_mean() -> None:
    """The ends of the interval for a single value are NaN."""
    interval = bootstrap_interval([2.0], np.random.default_rng(0))

    assert interval.mean == 2.0
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


def test_no_values() -> None:
    """An empty sample is refused."""
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap_interval([], np.random.default_rng(0))
