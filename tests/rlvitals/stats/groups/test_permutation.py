"""Permutation tests of two groups of runs."""

import math
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from rlvitals.stats.groups.permutation import compare_groups, compare_over_tasks
from rlvitals.stats.groups.welch import moments_of, t_cdf, t_quantile, welch, welch_over_tasks


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


def test_three_against_three_are_tested_by_student() -> None:
    """They have twenty deals: no p-value below 0.1. The difference of 1, 2, 3 and 11, 12, 14 by the book: t = 10.3."""
    found = compare_groups([1.0, 2.0, 3.0], [11.0, 12.0, 14.0], rng())
    error = math.sqrt((1.0 + 7.0 / 3.0) / 2.0 * 2.0 / 3.0)

    assert found.method == "Student's t"
    assert found.p_value == pytest.approx(2.0 * t_cdf(-(31.0 / 3.0) / error, 4.0))
    assert found.difference.high == pytest.approx(-31.0 / 3.0 + t_quantile(0.975, 4.0) * error)


def test_two_against_four_are_tested_by_welch() -> None:
    """Sizes differ, so spreads may not be put together."""
    a, b = [1.0, 2.0], [11.0, 12.0, 14.0, 12.5]
    found = compare_groups(a, b, rng())

    assert found.method == "Welch's t"
    assert found.p_value == pytest.approx(welch(moments_of(np.array(a)), moments_of(np.array(b))).p_value)


@pytest.mark.parametrize(("n", "m", "size"), [(4, 4, 4 / 70), (3, 4, 2 / 35), (3, 5, 3 / 56), (4, 5, 6 / 126)])
def test_coarse_steps_count_half(n: int, m: int, size: float) -> None:
    """Each deal taken as what was seen, exactly the deals that make 5 % best are called different: mid-p."""
    values = rng(n * m).normal(size=n + m)
    found = []
    for chosen in combinations(range(n + m), n):
        mine = np.isin(np.arange(n + m), chosen)
        found.append(compare_groups(values[mine], values[~mine], rng()))

    assert {one.method for one in found} == {"exact permutations, mid-p"}
    assert np.mean([one.p_value <= 0.05 for one in found]) == pytest.approx(size)


def test_many_comparisons_need_many_deals() -> None:
    """A twentieth of the level is below the steps of 4 + 4."""
    values = rng(2).normal(size=8)

    assert compare_groups(values[:4], values[4:], rng(), comparisons=20).method == "Student's t"


def test_deals_within_tasks() -> None:
    """Two tasks: as a loop over all pairs of deals, of which there are 400; a shift of a whole task changes nothing."""
    generator = rng(5)
    tasks = [(generator.normal(size=3) + 0.7, generator.normal(size=3)) for _ in range(2)]
    moved = [tasks[0], (tasks[1][0] + 100.0, tasks[1][1] + 100.0)]

    def deals(pair: tuple[Any, Any]) -> list[tuple[Any, Any]]:
        pooled = np.concatenate(pair)
        masks = [np.isin(np.arange(6), chosen) for chosen in combinations(range(6), 3)]
        return [(moments_of(pooled[mask]), moments_of(pooled[~mask])) for mask in masks]

    statistics = [abs(d.estimate) / d.error for d in map(welch_over_tasks, product(*map(deals, tasks)))]
    found = compare_over_tasks(tasks, rng())

    assert (found.method, found.arrangements) == ("exact permutations", 400)
    assert found.p_value == np.mean(np.array(statistics) >= statistics[0] * (1 - 1e-9))
    assert compare_over_tasks(moved, rng()).p_value == found.p_value
    assert compare_over_tasks(moved, rng()).difference == pytest.approx(found.difference, abs=1e-3)


def test_a_single_run_is_not_tested() -> None:
    """There is a difference, and nothing to hold it against."""
    found = compare_groups([5.0], [1.0, 2.0, 3.0], rng())

    assert (found.method, found.difference.estimate) == ("none", 3.0)
    assert math.isnan(found.p_value)


@pytest.mark.parametrize(("other", "p_value"), [(1.0, 1.0), (2.0, 1 / 924)])
def test_values_without_spread(other: float, p_value: float) -> None:
    """Deterministic outcomes: the same, or parted as by two of all deals, which count half."""

    assert compare_groups([1.0] * 6, [other] * 6, rng()).p_value == p_value


def test_two_equal_values_on_each_side_prove_nothing() -> None:
    """A third of all deals parts them so; without a spread there is no interval then."""
    found = compare_groups([1.0, 1.0], [2.0, 2.0], rng())

    assert found.p_value == pytest.approx(1 / 6)
    assert math.isnan(found.difference.low)


def test_huge_outcomes_are_compared() -> None:
    """Their squares are beyond what a float holds."""
    a, b = np.array([1.0, 2.0, 3.0, 4.0, 5.5]), np.array([2.0, 3.5, 4.0, 5.0, 9.0])
    huge = compare_groups(1e300 * a, 1e300 * b, rng())

    assert huge.p_value == compare_groups(a, b, rng()).p_value
    assert huge.difference.low == pytest.approx(1e300 * compare_groups(a, b, rng()).difference.low, rel=1e-3)


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


@pytest.mark.parametrize(("n", "m"), [(3, 3), (4, 4), (3, 5), (5, 5)])
@pytest.mark.parametrize("shape", ["standard_normal", "standard_exponential"])
def test_false_positives_are_as_many_as_said(shape: str, n: int, m: int) -> None:
    """Of 400 pairs of groups of the same kind 5 %, give or take 1.5, and twice the noise of 400."""
    generator = rng(n * m)
    draw = getattr(generator, shape)
    named = [compare_groups(draw(n), draw(m), generator).p_value <= 0.05 for _ in range(400)]

    assert 0.035 - 0.018 <= np.mean(named) <= 0.065 + 0.024


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
