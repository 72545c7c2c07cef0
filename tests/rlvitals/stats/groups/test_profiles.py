"""Scores of many runs on several tasks, as Agarwal et al. (2021) define them."""

import math

import numpy as np
import pytest

from rlvitals.stats.groups.profiles import improvement_over_tasks, normalised, optimality_gap, performance_profile

SCORES = [[0.1, 0.4, 0.9], [0.2, 1.3, 0.6], [0.5, 0.5, 2.0]]
OTHER = [[0.3, 0.2, 0.4], [0.1, 1.5, 0.6], [0.5, 0.4, 0.9]]


def test_the_gap_is_what_is_missing_to_one() -> None:
    """rliable: `gamma - mean(minimum(scores, gamma))`, over runs and tasks at once."""
    expected = 1.0 - np.minimum(np.array(SCORES), 1.0).mean()

    assert optimality_gap(SCORES, np.random.default_rng(0)).estimate == pytest.approx(expected)


def test_the_profile_counts_runs_above() -> None:
    """rliable: the share of all scores that are greater, at each threshold."""
    found = performance_profile(SCORES, [0.0, 0.4, 0.5, 1.0, 3.0])
    flat = [score for task in SCORES for score in task]

    assert found.shares == pytest.approx([sum(s > tau for s in flat) / 9 for tau in (0.0, 0.4, 0.5, 1.0, 3.0)])
    assert np.all(found.low <= found.shares)
    assert np.all(found.shares <= found.high)


def test_improvement_is_the_mean_over_tasks() -> None:
    """rliable: the mean over tasks of the Mann-Whitney U over the number of pairs; here by a loop over pairs."""
    tasks = [sum((x > y) + 0.5 * (x == y) for x in a for y in b) / 9 for a, b in zip(SCORES, OTHER, strict=True)]
    found = improvement_over_tasks(SCORES, OTHER)

    assert found.estimate == pytest.approx(sum(tasks) / 3)
    assert 0 < found.low < found.estimate < found.high < 1


def test_more_tasks_say_more() -> None:
    """The same result on four tasks has a narrower interval."""
    one, four = (improvement_over_tasks([[2, 3, 4.5]] * k, [[1, 2, 4.0]] * k) for k in (1, 4))

    assert four.estimate == one.estimate
    assert four.high - four.low < one.high - one.low


def test_references_are_zero_and_one() -> None:
    """Also where less is better; two of the same are refused."""

    assert normalised([20.0, 110.0, 200.0], 20.0, 200.0).tolist() == [0.0, 0.5, 1.0]
    assert normalised([-1000.0], -1200.0, -200.0).tolist() == [0.2]
    with pytest.raises(ValueError, match="two different finite scores"):
        normalised([1.0], 3.0, 3.0)


def test_nothing_in() -> None:
    """No task: NaN. Different tasks: an error."""

    assert math.isnan(improvement_over_tasks([], []).estimate)
    assert np.isnan(performance_profile([], [0.5]).shares).all()
    with pytest.raises(ValueError, match="3 tasks against 1"):
        improvement_over_tasks(SCORES, SCORES[:1])
