"""Scores of runs on several tasks, as defined by Agarwal et al. (2021)."""

import math

import numpy as np
import pytest

from rlvitals.stats.groups.profiles import improvement_over_tasks, normalised, optimality_gap, performance_profile

SCORES = [[0.1, 0.4, 0.9], [0.2, 1.3, 0.6], [0.5, 0.5, 2.0]]
OTHER = [[0.3, 0.2, 0.4], [0.1, 1.5, 0.6], [0.5, 0.4, 0.9]]


def test_the_optimality_gap_matches_rliable() -> None:
    """It equals `gamma - mean(minimum(scores, gamma))` over all runs and tasks."""
    expected = 1.0 - np.minimum(np.array(SCORES), 1.0).mean()

    assert optimality_gap(SCORES, np.random.default_rng(0)).estimate == pytest.approx(expected)


def test_the_profile_matches_rliable() -> None:
    """At each threshold it is the share of all scores above it."""
    found = performance_profile(SCORES, [0.0, 0.4, 0.5, 1.0, 3.0])
    flat = [score for task in SCORES for score in task]

    assert found.shares == pytest.approx([sum(s > tau for s in flat) / 9 for tau in (0.0, 0.4, 0.5, 1.0, 3.0)])
    assert np.all(found.low <= found.shares)
    assert np.all(found.shares <= found.high)


def test_the_probability_of_improvement_matches_rliable() -> None:
    """It is the mean over tasks of the share of won pairs, here computed in a loop over pairs."""
    tasks = [sum((x > y) + 0.5 * (x == y) for x in a for y in b) / 9 for a, b in zip(SCORES, OTHER, strict=True)]
    found = improvement_over_tasks(SCORES, OTHER)

    assert found.estimate == pytest.approx(sum(tasks) / 3)
    assert 0 < found.low < found.estimate < found.high < 1


def test_more_tasks_narrow_the_interval() -> None:
    """The same result on four tasks has a narrower interval."""
    one, four = (improvement_over_tasks([[2, 3, 4.5]] * k, [[1, 2, 4.0]] * k) for k in (1, 4))

    assert four.estimate == one.estimate
    assert four.high - four.low < one.high - one.low


def test_references_become_zero_and_one() -> None:
    """Negative references are accepted, and equal ones are refused."""

    assert normalised([20.0, 110.0, 200.0], 20.0, 200.0).tolist() == [0.0, 0.5, 1.0]
    assert normalised([-1000.0], -1200.0, -200.0).tolist() == [0.2]
    with pytest.raises(ValueError, match="two different finite scores"):
        normalised([1.0], 3.0, 3.0)


def test_without_tasks_the_results_are_nan() -> None:
    """Different numbers of tasks are refused."""

    assert math.isnan(improvement_over_tasks([], []).estimate)
    assert np.isnan(performance_profile([], [0.5]).shares).all()
    with pytest.raises(ValueError, match="have 3 and 1 tasks"):
        improvement_over_tasks(SCORES, SCORES[:1])
