"""Tests of the statistics of one quantity."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.summary.measures import measure, spread

LEARNT = 3.0 * np.tanh(np.linspace(0.0, 5.0, 400)) + np.random.default_rng(0).normal(size=400)
TIMES = np.arange(400.0)


def test_non_finite_and_missing_values_are_counted_separately() -> None:
    """Non-finite and missing values are counted separately and excluded from the mean."""
    column = np.ma.array([1.0, math.nan, math.inf, -math.inf, 3.0, 99.0], mask=[False] * 5 + [True])
    found = spread(column)

    assert (found.counts.total, found.counts.finite, found.counts.nan) == (6, 2, 1)
    assert (found.counts.positive_infinity, found.counts.negative_infinity, found.counts.missing) == (1, 1, 1)
    assert (found.mean, found.min, found.max, found.median) == (2.0, 1.0, 3.0, 2.0)


def test_an_unreported_quantity_has_no_statistics() -> None:
    """A quantity that was never reported has no statistics, and one without finite values has no mean."""
    nothing = measure(np.ma.array(np.zeros(3), mask=True), np.arange(3.0))
    bad = measure(np.ma.array([math.nan, math.nan]), np.arange(2.0))

    assert nothing is None
    assert bad is not None
    assert (bad.counts.nan, bad.mean.estimate, bad.trend.verdict) == (2, None, "not enough data")


@given(scale=st.floats(1e-6, 1e6), shift=st.floats(-1e3, 1e3))
def test_verdicts_do_not_depend_on_the_unit(scale: float, shift: float) -> None:
    """Verdicts and positions do not depend on scale and offset, and numbers scale with the unit."""
    plain = measure(np.ma.asarray(LEARNT), TIMES)
    scaled = measure(np.ma.asarray(LEARNT * scale + shift * scale), TIMES)
    assert plain is not None
    assert scaled is not None

    assert (scaled.trend.verdict, scaled.convergence.status, scaled.convergence.since) == (
        plain.trend.verdict,
        plain.convergence.status,
        plain.convergence.since,
    )
    assert scaled.change_points == plain.change_points
    assert scaled.trend.effect_size == pytest.approx(plain.trend.effect_size, rel=1e-3)


def test_the_better_direction_determines_the_verdict() -> None:
    """The same increase is an improvement, a decline or a rise, depending on the better direction."""
    column = np.ma.asarray(np.linspace(0.0, 9.0, 300) + np.random.default_rng(1).normal(size=300))
    verdicts = [measure(column, np.arange(300.0), better) for better in ("higher", "lower", None)]

    assert [found.trend.verdict for found in verdicts if found] == ["improving", "declining", "rising"]


def test_running_averages_are_taken_at_the_end() -> None:
    """A constant equals its running averages, and a value one half-life old has half the weight."""
    steady = measure(np.ma.asarray(np.full(50, 2.5)), np.arange(50.0))
    assert steady is not None
    assert steady.averages.windowed == steady.averages.exponential == steady.averages.by_time == 2.5

    two = measure(np.ma.asarray([1.0, 4.0]), np.array([0.0, 60.0]))
    assert two is not None
    assert two.averages.by_time == pytest.approx((0.5 * 1.0 + 4.0) / 1.5)
