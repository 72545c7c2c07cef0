"""Effects without units."""

import math

import numpy as np
import pytest

from rlvitals.stats.groups.effect_size import hedges_g, probability_of_improvement
from rlvitals.stats.groups.welch import shift_interval


def test_hedges_g_by_hand() -> None:
    """Means 3 apart, pooled deviation 1, four degrees of freedom: 3 Gamma(2) / (sqrt(2) Gamma(1.5))."""
    found = hedges_g([4, 5, 6], [1, 2, 3])

    assert found.estimate == pytest.approx(3 / (math.sqrt(2) * math.gamma(1.5)))
    assert found.low < found.estimate < found.high


def test_its_interval_covers() -> None:
    """A true effect of 1 between normal outcomes, 5 against 5: 95 % of 60."""
    generator = np.random.default_rng(0)
    found = [hedges_g(generator.normal(size=5) + 1, generator.normal(size=5)) for _ in range(60)]

    assert np.mean([one.low <= 1.0 <= one.high for one in found]) > 0.88


def test_heavy_tails_widen_it() -> None:
    """The same effect with one outcome far out: a wider interval than the noncentral t distribution's."""
    a, b = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1.0, 2.0, 3.0, 2.0, 1.0, 20.0])
    found, scale = hedges_g(a, b), math.sqrt(1 / 3)
    spread = math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    low, high = shift_interval(float(a.mean() - b.mean()) / spread / scale, 10.0)

    assert found.low < low * scale < high * scale < found.high


def test_improvement_counts_pairs() -> None:
    """As a loop over all pairs does; ties are half."""
    a, b = [1.0, 2.0, 2.0, 5.0], [0.0, 2.0, 3.0]
    counted = sum((x > y) + 0.5 * (x == y) for x in a for y in b) / 12

    assert probability_of_improvement(a, b).estimate == counted


def test_a_clean_sweep_is_not_certainty() -> None:
    """Three runs that all beat three others: the chance may be as low as a half, or lower; ten and ten say more."""
    few, many = (probability_of_improvement(np.arange(n) + 100.0, np.arange(n)) for n in (3, 10))

    assert few.estimate == few.high == many.high == 1.0
    assert few.low < 0.5 < many.low


def test_runs_without_outcome_are_worst() -> None:
    """-infinity loses against every run; NaN is no run."""

    assert probability_of_improvement([-math.inf, 3.0], [1.0, 2.0]).estimate == 0.5
    assert probability_of_improvement([math.nan, 3.0], [1.0, 2.0]).estimate == 1.0


def test_nothing_to_compare() -> None:
    """NaN, and no error."""

    assert math.isnan(probability_of_improvement([], [1.0]).estimate)
    assert math.isnan(hedges_g([1.0], [2.0, 3.0]).estimate)
    assert math.isnan(hedges_g([1.0, 1.0], [2.0, 2.0]).estimate)
