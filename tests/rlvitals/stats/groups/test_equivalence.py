"""Equivalence within a margin."""

import numpy as np
import pytest

from rlvitals.stats.groups.equivalence import equivalence, equivalence_over_tasks
from rlvitals.stats.groups.welch import moments_of, welch, welch_over_tasks

NEAR = np.array([1.0, 1.1, 0.9, 1.05])
FAR = NEAR + 5.0


def test_the_verdict_follows_the_ninety_percent_interval() -> None:
    """An interval within the margin is the same, beyond it not the same, and across it not shown."""

    assert equivalence(NEAR, NEAR + 0.01, 0.5).verdict == "the same"
    assert equivalence(NEAR, FAR, 0.5).verdict == "not the same"
    assert equivalence(NEAR, NEAR + 0.01, 0.02).verdict == "not shown to be the same"
    found = equivalence(NEAR, NEAR + 0.01, 0.5)
    assert found.difference[1:] == welch(moments_of(NEAR), moments_of(NEAR + 0.01)).interval(0.9)
    assert found.p_value < 0.05 < equivalence(NEAR, NEAR + 0.01, 0.02).p_value


def test_tasks_are_combined() -> None:
    """The interval is that of the mean difference over tasks, which can be zero if the tasks differ."""
    found = equivalence_over_tasks([(NEAR + 1.0, NEAR), (NEAR - 1.0, NEAR)], 0.5)
    pair = (moments_of(NEAR + 1.0), moments_of(NEAR)), (moments_of(NEAR - 1.0), moments_of(NEAR))

    assert found.verdict == "the same"
    assert found.difference[1:] == welch_over_tasks(pair).interval(0.9)


def test_one_run_is_not_enough() -> None:
    """A group with one run is neither the same nor different."""

    assert equivalence([1.0], NEAR, 0.5).verdict == "not enough runs"


@pytest.mark.parametrize("margin", [0.0, -1.0, np.nan, np.inf])
def test_a_margin_that_is_not_positive_and_finite_is_refused(margin: float) -> None:
    """Zero, negative and non-finite margins are refused."""
    with pytest.raises(ValueError, match="margin must be above 0"):
        equivalence(NEAR, FAR, margin)


def test_a_difference_of_the_margin_is_rarely_called_the_same() -> None:
    """At most 5 % of 1000 such pairs are called the same, within chance."""
    generator = np.random.default_rng(0)
    said = [
        equivalence(generator.normal(size=10), generator.normal(size=10) + 2.0, 2.0).verdict == "the same"
        for _ in range(1000)
    ]

    assert np.mean(said) < 0.065
