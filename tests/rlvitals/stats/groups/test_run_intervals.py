"""Confidence intervals over a few runs."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from rlvitals.stats.groups.run_intervals import (
    iqm_of_runs,
    iqm_over_tasks,
    mean_of_runs,
    mean_over_tasks,
    median_of_runs,
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_three_runs_have_students_interval() -> None:
    """The interval of 1, 2, 3 is 2 -+ 4.303 / sqrt(3)."""
    found = mean_of_runs([1.0, 2.0, 3.0], rng())

    assert found == pytest.approx((2.0, 2.0 - 4.302653 / math.sqrt(3), 2.0 + 4.302653 / math.sqrt(3)), abs=1e-6)


def test_one_run_has_no_interval() -> None:
    """No runs have no estimate either, and non-finite values do not count as runs."""
    for found in (mean_of_runs([3.0, math.nan], rng()), median_of_runs([3.0]), iqm_of_runs([3.0, math.inf], rng())):
        assert found.estimate == 3.0
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    assert math.isnan(mean_of_runs([], rng()).estimate)


@pytest.mark.parametrize(
    ("values", "low", "high"), [([1, 2, 4], -2, 7), ([1, 2, 3, 5], -1, 7), ([1, 2, 3, 4, 9], 1, 9), (range(6), 0, 5)]
)
def test_the_interval_of_the_median_extends_beyond_few_runs(values: list[float], low: float, high: float) -> None:
    """It is extended by a range for 3 runs, half a range for 4, and not from 5 on."""
    found = median_of_runs(values)

    assert (found.low, found.high) == (low, high)


def test_iqm_is_the_mean_of_the_middle_half() -> None:
    """`floor(n / 4)` scores of all tasks are left out at either end, as in scipy's `trim_mean(x, 0.25)`."""

    assert iqm_of_runs([9.0, 1.0, 2.0, 6.0, 100.0], rng()).estimate == (2 + 6 + 9) / 3
    assert iqm_over_tasks([[0, 1, 2], [3, 4, 5], [6, 7, 80]], rng()).estimate == (2 + 3 + 4 + 5 + 6) / 5


def test_three_runs_have_at_least_students_interval_of_the_iqm() -> None:
    """Without trimming the IQM is the mean, and the bootstrap interval alone would be half as wide."""

    assert iqm_of_runs([1.0, 2.0, 3.0], rng()).low == pytest.approx(2.0 - 4.302653 / math.sqrt(3), abs=1e-6)


def test_the_same_seed_gives_the_same_interval() -> None:
    """Another seed gives another interval."""
    values = rng(1).normal(size=8)

    assert iqm_of_runs(values, rng(2)) == iqm_of_runs(values, rng(2))
    assert iqm_of_runs(values, rng(2)) != iqm_of_runs(values, rng(3))
    assert mean_of_runs(values, rng(2)) == mean_of_runs(values, rng(2))
    assert mean_of_runs(values, rng(2)) != mean_of_runs(values, rng(3))


def test_tasks_are_combined() -> None:
    """The mean of independent means has a smaller error than each mean."""
    first, second = [1.0, 2.0, 3.0], [11.0, 12.0, 13.0]
    found = mean_over_tasks([first, second], rng())

    assert found.estimate == 7.0
    assert found.high - found.estimate == pytest.approx(2.776445 * math.sqrt(2 / 3) / 2, abs=1e-5)
    assert mean_over_tasks([first], rng()) == mean_of_runs(first, rng())


def drawn(generator: np.random.Generator, shape: str, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return outcomes: normal, exponential, bimodal (three of ten fail), or t with 3 degrees of freedom."""
    if shape == "two modes":
        return np.where(generator.random(size) < 0.3, -3.0, 0.0) + 0.5 * generator.standard_normal(size)
    if shape == "skewed":
        return generator.standard_exponential(size)
    return generator.standard_normal(size) if shape == "normal" else generator.standard_t(3, size)


@pytest.mark.parametrize("runs", [3, 5, 10])
@pytest.mark.parametrize("shape", ["normal", "skewed", "two modes", "heavy tails"])
def test_coverage_is_as_documented(shape: str, runs: int) -> None:
    """At least 93 % of 200 simulated groups are covered, or 82 % in the documented exceptions, within chance."""
    generator = rng(runs)
    many = np.sort(drawn(rng(0), shape, (1, 400_000))[0])
    truths = (many.mean(), np.median(many), many[100_000:-100_000].mean())
    found = np.array(
        [
            [
                one.low <= truth <= one.high
                for one, truth in zip(
                    (mean_of_runs(group, generator), median_of_runs(group), iqm_of_runs(group, generator)),
                    truths,
                    strict=True,
                )
            ]
            for group in drawn(generator, shape, (200, runs))
        ]
    ).mean(axis=0)
    fair, short = (level - 2 * math.sqrt(level * (1 - level) / 200) for level in (0.93, 0.82))
    few = (shape == "two modes" and runs < 10) or (shape == "skewed" and runs == 3)

    assert found[0] >= (short if few else fair)
    assert found[1] >= fair
    assert found[2] >= (short if shape == "two modes" and runs == 3 else fair)
