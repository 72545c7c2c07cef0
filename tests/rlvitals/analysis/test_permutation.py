"""Permutation tests of two groups of runs."""

import math
from itertools import combinations

import numpy as np
import pytest

from rlvitals.analysis.permutation import compare_groups
from rlvitals.analysis.welch import moments_of, welch


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def slow_p_value(a: list[float], b: list[float]) -> float:
    """Every deal for itself, with Welch's t of each."""

    def statistic(mine: list[float], others: list[float]) -> float:
        found = welch(moments_of(np.array(mine)), moments_of(np.array(others)))
        return abs(found.estimate) / found.error

    pooled = [*a, *b]
    seen, reached, deals = statistic(a, b), 0, 0
    for chosen in combinations(range(len(pooled)), len(a)):
        mine = [pooled[at] for at in chosen]
        others = [pooled[at] for at in range(len(pooled)) if at not in chosen]
        reached += statistic(mine, others) >= seen * (1 - 1e-9)
        deals += 1
    return reached / deals


def test_every_deal_is_counted() -> None:
    """Exact: as an independent loop over all 252 deals."""
    generator = rng(4)
    a, b = generator.normal(size=5).tolist(), (generator.normal(size=5) + 0.8).tolist()
    found = compare_groups(a, b, rng())

    assert found.method == "exact permutations"
    assert found.arrangements == 252
    assert found.p_value == slow_p_value(a, b)


def test_separated_groups_have_the_least_p_value() -> None:
    """Two of the 252 deals are as extreme."""
    found = compare_groups([11, 12, 13, 14, 15.5], [1, 2, 3, 4, 5], rng())

    assert found.p_value == pytest.approx(2 / 252)
    assert found.difference.estimate == pytest.approx(10.1)
    assert 0 < found.difference.low < found.difference.estimate < found.difference.high


def test_interval_and_p_value_agree() -> None:
    """Zero is in the interval if and only if the p-value is above the level."""
    generator = rng(1)
    for shift in np.linspace(-2, 2, 12):
        found = compare_groups(generator.normal(size=6), generator.normal(size=5) + shift, generator)
        assert (found.difference.low <= 0 <= found.difference.high) == (found.p_value > 0.05)


def test_few_runs_are_tested_by_welch() -> None:
    """Three against three have twenty deals: no p-value below 0.1. So it is Welch's t, and said."""
    a, b = [1.0, 2.0, 3.0], [11.0, 12.0, 14.0]
    found = compare_groups(a, b, rng())

    assert found.method == "Welch's t"
    assert found.p_value == welch(moments_of(np.array(a)), moments_of(np.array(b))).p_value < 0.05


def test_a_single_run_is_not_tested() -> None:
    """There is a difference, and nothing to hold it against."""
    found = compare_groups([5.0], [1.0, 2.0, 3.0], rng())

    assert (found.method, found.difference.estimate) == ("none", 3.0)
    assert math.isnan(found.p_value)


@pytest.mark.parametrize(("other", "p_value"), [(1.0, 1.0), (2.0, 0.0)])
def test_values_without_spread(other: float, p_value: float) -> None:
    """Deterministic outcomes: the same or not the same."""

    assert compare_groups([1.0] * 6, [other] * 6, rng()).p_value == p_value


def test_scale_and_seed() -> None:
    """Rewards times 1000 and shifted: the same p-value. Drawn deals: by the seed."""
    generator = rng(9)
    a, b = generator.normal(size=12), generator.normal(size=12) + 0.6
    found = compare_groups(a, b, rng(1))

    assert found.method == "drawn permutations"
    assert compare_groups(1000 * a - 5e5, 1000 * b - 5e5, rng(1)).p_value == found.p_value
    assert compare_groups(a, b, rng(1)) == found
    assert compare_groups(a, b, rng(2)) != found


def test_thousands_of_runs_are_compared() -> None:
    """The number of deals has hundreds of digits."""
    generator = rng(3)

    assert compare_groups(generator.normal(size=600), generator.normal(size=600) + 0.5, generator).p_value < 0.001


def test_false_positives_are_as_many_as_said() -> None:
    """5 against 5 skewed outcomes of the same kind: 5 % of 300, give or take."""
    generator = rng(7)
    named = [
        compare_groups(generator.exponential(size=5), generator.exponential(size=5), generator).p_value <= 0.05
        for _ in range(300)
    ]

    assert 0.02 <= np.mean(named) <= 0.08


def test_correlated_rewards_inside_runs_are_harmless() -> None:
    """AR(1) episodes with 0.9: each run is one number, and 5 % of 300 pairs of groups differ; half by episodes."""
    generator = rng(8)
    named, by_episodes = 0, 0
    for _ in range(300):
        series = generator.normal(size=(10, 60))
        for t in range(1, 60):
            series[:, t] += 0.9 * series[:, t - 1]
        named += compare_groups(series[:5].mean(axis=1), series[5:].mean(axis=1), generator).p_value <= 0.05
        by_episodes += welch(moments_of(series[0]), moments_of(series[5])).p_value <= 0.05

    assert 0.02 <= named / 300 <= 0.08
    assert by_episodes / 300 > 0.4
