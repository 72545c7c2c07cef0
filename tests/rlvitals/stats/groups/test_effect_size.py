"""Effect sizes for two groups."""

import math

import numpy as np
import pytest

from rlvitals.stats.groups.effect_size import hedges_g, probability_of_improvement
from rlvitals.stats.groups.welch import shift_interval


def test_hedges_g_matches_a_calculation_by_hand() -> None:
    """With means 3 apart, pooled deviation 1 and 4 degrees of freedom, it is 3 Gamma(2) / (sqrt(2) Gamma(1.5))."""
    found = hedges_g([4, 5, 6], [1, 2, 3])

    assert found.estimate == pytest.approx(3 / (math.sqrt(2) * math.gamma(1.5)))
    assert found.low < found.estimate < found.high


def test_the_interval_of_hedges_g_covers_the_effect() -> None:
    """A true effect of 1 between groups of 5 normal outcomes is covered in 95 % of 60 samples, within chance."""
    generator = np.random.default_rng(0)
    found = [hedges_g(generator.normal(size=5) + 1, generator.normal(size=5)) for _ in range(60)]

    assert np.mean([one.low <= 1.0 <= one.high for one in found]) > 0.88


def test_heavy_tails_widen_the_interval_of_hedges_g() -> None:
    """With one distant outcome, the interval is wider than that of the noncentral t distribution."""
    a, b = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), np.array([1.0, 2.0, 3.0, 2.0, 1.0, 20.0])
    found, scale = hedges_g(a, b), math.sqrt(1 / 3)
    spread = math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    low, high = shift_interval(float(a.mean() - b.mean()) / spread / scale, 10.0)

    assert found.low < low * scale < high * scale < found.high


def test_the_probability_of_improvement_counts_pairs() -> None:
    """It matches a loop over all pairs, with ties counted half."""
    a, b = [1.0, 2.0, 2.0, 5.0], [0.0, 2.0, 3.0]
    counted = sum((x > y) + 0.5 * (x == y) for x in a for y in b) / 12

    assert probability_of_improvement(a, b).estimate == counted


def test_winning_every_pair_is_not_certainty() -> None:
    """For three runs against three the interval starts below one half, for ten against ten above it."""
    few, many = (probability_of_improvement(np.arange(n) + 100.0, np.arange(n)) for n in (3, 10))

    assert few.estimate == few.high == many.high == 1.0
    assert few.low < 0.5 < many.low


def test_runs_without_an_outcome_are_worst() -> None:
    """-infinity loses against every run, and NaN is left out."""

    assert probability_of_improvement([-math.inf, 3.0], [1.0, 2.0]).estimate == 0.5
    assert probability_of_improvement([math.nan, 3.0], [1.0, 2.0]).estimate == 1.0


def test_empty_groups_have_no_effect() -> None:
    """Groups that are empty, too small or without spread give NaN instead of an error."""

    assert math.isnan(probability_of_improvement([], [1.0]).estimate)
    assert math.isnan(hedges_g([1.0], [2.0, 3.0]).estimate)
    assert math.isnan(hedges_g([1.0, 1.0], [2.0, 2.0]).estimate)
