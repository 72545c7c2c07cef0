"""Tests of mastery of categories compared with baselines."""

import math
from typing import Any

import pytest

from rlvitals.monitor.mastery import BaselineResults, CategoryOutcomes
from rlvitals.records import Episode, Evaluation


def outcomes(rate: float, count: int = 200) -> CategoryOutcomes:
    """Return the outcomes of a category with a success rate, spread evenly."""
    found = CategoryOutcomes()
    for at in range(count):
        success = math.floor((at + 1) * rate) > math.floor(at * rate)
        found.add(Episode(time=float(at), episode=at, reward=0.0, length=1, success=success))
    return found


def results(**fields: Any) -> BaselineResults:
    """Return the results of one baseline."""
    found = BaselineResults()
    found.add(Evaluation(time=0.0, episode=0, policy="defaults", **fields))
    return found


def is_mastered(found: CategoryOutcomes, baselines: BaselineResults) -> bool:
    return found.mastered("text", baselines, mastery=0.8, mastery_quality=None) is not None


@pytest.mark.parametrize(
    ("fields", "mastered"),
    [
        ({}, True),
        ({"success_rate": 0.3, "episodes": 100}, True),
        ({"success_rate": 0.95, "episodes": 100}, False),
        ({"success_rate": 0.9, "episodes": 20}, False),  # its interval reaches the rate of the policy
        ({"success_rate": 0.99, "episodes": 100, "extra": {"attempts": 40}}, True),
        ({"success_rate": 0.99, "categories": {"text": {"success_rate": 0.3}}}, True),
        ({"success_rate": 0.3, "categories": {"text": {"success": 0.99}}}, False),
        ({"success_rate": math.nan}, True),
    ],
)
def test_mastery_means_more_than_a_baseline_achieves(fields: dict[str, Any], mastered: bool) -> None:
    """A category with a success rate of 97 % is mastered only if no baseline with as many attempts comes close."""
    assert is_mastered(outcomes(0.97), results(**fields)) is mastered


def test_the_last_evaluation_of_a_baseline_counts() -> None:
    """A later evaluation of the same baseline replaces an earlier one."""
    baselines = results(success_rate=0.99, episodes=100)
    baselines.add(Evaluation(time=1.0, episode=0, policy="defaults", success_rate=0.2, episodes=100))

    assert is_mastered(outcomes(0.97), baselines)


def test_the_quality_of_a_baseline_counts_if_no_success_is_reported() -> None:
    """The interval of the quality must exceed the quality of the baseline."""
    found = CategoryOutcomes()
    for at in range(60):
        found.add(Episode(time=float(at), episode=at, reward=0.0, length=1, quality_final=0.9 + 0.001 * (at % 2)))

    def mastered(quality: float) -> bool:
        known = found.mastered("text", results(quality=quality), mastery=0.8, mastery_quality=0.8)
        return known is not None

    assert (mastered(0.85), mastered(0.95)) == (True, False)
