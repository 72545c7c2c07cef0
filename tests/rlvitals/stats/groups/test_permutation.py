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
    """Return the p-value from a loop over every permutation, with Welch's t of each."""

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


def test_the_exact_p_value_matches_a_loop() -> None:
    """It equals that of an independent loop over all 252 permutations."""
    generator = rng(4)
    a, b = generator.normal(size=5).tolist(), (generator.normal(size=5) + 0.8).tolist()
    found = compare_groups(a, b, rng())

    assert found.method == "exact permutations"
    assert found.arrangements == 252
    assert found.p_value == slow_p_value(a, b)


def test_separated_groups_have_the_smallest_p_value() -> None:
    """Two of the 252 permutations are equally extreme."""
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
    """Their twenty permutations allow no p-value below 0.1; 1, 2, 3 and 11, 12, 14 give t = 10.3."""
    found = compare_groups([1.0, 2.0, 3.0], [11.0, 12.0, 14.0], rng())
    error = math.sqrt((1.0 + 7.0 / 3.0) / 2.0 * 2.0 / 3.0)

    assert found.method == "Student's t"
    assert found.p_value == pytest.approx(2.0 * t_cdf(-(31.0 / 3.0) / error, 4.0))
    assert found.difference.high == pytest.approx(-31.0 / 3.0 + t_quantile(0.975, 4.0) * error)


def test_two_against_four_are_tested_by_welch() -> None:
    """The sizes differ, so the variances are not pooled."""
    a, b = [1.0, 2.0], [11.0, 12.0, 14.0, 12.5]
    found = compare_groups(a, b, rng())

    assert found.method == "Welch's t"
    assert found.p_value == pytest.approx(welch(moments_of(np.array(a)), moments_of(np.array(b))).p_value)


@pytest.mark.parametrize(("n", "m", "size"), [(4, 4, 4 / 70), (3, 4, 2 / 35), (3, 5, 3 / 56), (4, 5, 6 / 126)])
def test_few_permutations_use_the_mid_p_value(n: int, m: int, size: float) -> None:
    """With each permutation as the observed one, exactly the permutations that make 5 % best are significant."""
    values = rng(n * m).normal(size=n + m)
    found = []
    for chosen in combinations(range(n + m), n):
        mine = np.isin(np.arange(n + m), chosen)
        found.append(compare_groups(values[mine], values[~mine], rng()))

    assert {one.method for one in found} == {"exact permutations, mid-p"}
    assert np.mean([one.p_value <= 0.05 for one in found]) == pytest.approx(size)


def test_many_comparisons_need_many_permutations() -> None:
    """A twentieth of the level is below the resolution of 4 + 4 runs."""
    values = rng(2).normal(size=8)

    assert compare_groups(values[:4], values[4:], rng(), comparisons=20).method == "Student's t"


def test_permutations_are_within_tasks() -> None:
    """The p-value of two tasks matches a loop over 400 pairs of permutations, and ignores a shift of a whole task."""
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
    """Its difference is reported without a p-value."""
    found = compare_groups([5.0], [1.0, 2.0, 3.0], rng())

    assert (found.method, found.difference.estimate) == ("none", 3.0)
    assert math.isnan(found.p_value)


@pytest.mark.parametrize(("other", "p_value"), [(1.0, 1.0), (2.0, 1 / 924)])
def test_values_without_spread_are_tested(other: float, p_value: float) -> None:
    """Deterministic outcomes are equal, or separated as in two of all permutations, which count half."""

    assert compare_groups([1.0] * 6, [other] * 6, rng()).p_value == p_value


def test_two_equal_values_per_group_are_not_significant() -> None:
    """A third of all permutations separates them in the same way, and there is no interval."""
    found = compare_groups([1.0, 1.0], [2.0, 2.0], rng())

    assert found.p_value == pytest.approx(1 / 6)
    assert math.isnan(found.difference.low)


def test_huge_outcomes_are_compared() -> None:
    """Outcomes whose squares overflow have the same p-value as scaled ones."""
    a, b = np.array([1.0, 2.0, 3.0, 4.0, 5.5]), np.array([2.0, 3.5, 4.0, 5.0, 9.0])
    huge = compare_groups(1e300 * a, 1e300 * b, rng())

    assert huge.p_value == compare_groups(a, b, rng()).p_value
    assert huge.difference.low == pytest.approx(1e300 * compare_groups(a, b, rng()).difference.low, rel=1e-3)


def test_the_p_value_depends_on_the_seed_but_not_on_the_scale() -> None:
    """Scaled and shifted rewards have the same p-value, and drawn permutations depend only on the seed."""
    generator = rng(9)
    a, b = generator.normal(size=12), generator.normal(size=12) + 0.6
    found = compare_groups(a, b, rng(1))

    assert found.method == "drawn permutations"
    assert compare_groups(1000 * a - 5e5, 1000 * b - 5e5, rng(1)).p_value == found.p_value
    assert compare_groups(a, b, rng(1)) == found
    assert compare_groups(a, b, rng(2)) != found


def test_thousands_of_runs_are_compared() -> None:
    """The number of permutations has hundreds of digits."""
    generator = rng(3)

    assert compare_groups(generator.normal(size=600), generator.normal(size=600) + 0.5, generator).p_value < 0.001


@pytest.mark.parametrize(("n", "m"), [(3, 3), (4, 4), (3, 5), (5, 5)])
@pytest.mark.parametrize("shape", ["standard_normal", "standard_exponential"])
def test_the_false_positive_rate_is_as_documented(shape: str, n: int, m: int) -> None:
    """5 % of 400 pairs of equal groups differ, +-1.5 points and twice the standard error."""
    generator = rng(n * m)
    draw = getattr(generator, shape)
    named = [compare_groups(draw(n), draw(m), generator).p_value <= 0.05 for _ in range(400)]

    assert 0.035 - 0.018 <= np.mean(named) <= 0.065 + 0.024


def test_correlated_episodes_within_runs_do_not_cause_false_positives() -> None:
    """With AR(1) episodes of 0.9, 5 % of 300 pairs of groups differ by run, but half of them by episode."""
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
