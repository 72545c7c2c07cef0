"""The same, within a margin."""

import numpy as np
import pytest

from rlvitals.stats.groups.equivalence import equivalence, equivalence_over_tasks
from rlvitals.stats.groups.welch import moments_of, welch, welch_over_tasks

NEAR = np.array([1.0, 1.1, 0.9, 1.05])
FAR = NEAR + 5.0


def test_the_verdict_is_that_of_the_ninety_percent_interval() -> None:
    """Within the margin: the same. Beyond it: not. Across it: not shown."""

    assert equivalence(NEAR, NEAR + 0.01, 0.5).verdict == "the same"
    assert equivalence(NEAR, FAR, 0.5).verdict == "not the same"
    assert equivalence(NEAR, NEAR + 0.01, 0.02).verdict == "not shown to be the same"
    found = equivalence(NEAR, NEAR + 0.01, 0.5)
    assert found.difference[1:] == welch(moments_of(NEAR), moments_of(NEAR + 0.01)).interval(0.9)
    assert found.p_value < 0.05 < equivalence(NEAR, NEAR + 0.01, 0.02).p_value


def test_tasks_are_put_together() -> None:
    """What is the same on average may differ on each; the interval is that of the mean difference over tasks."""
    found = equivalence_over_tasks([(NEAR + 1.0, NEAR), (NEAR - 1.0, NEAR)], 0.5)
    pair = (moments_of(NEAR + 1.0), moments_of(NEAR)), (moments_of(NEAR - 1.0), moments_of(NEAR))

    assert found.verdict == "the same"
    assert found.difference[1:] == welch_over_tasks(pair).interval(0.9)


def test_one_run_shows_nothing() -> None:
    """Not the same, and not different."""

    assert equivalence([1.0], NEAR, 0.5).verdict == "not enough runs"


@pytest.mark.parametrize("margin", [0.0, -1.0, np.nan, np.inf])
def test_a_margin_is_above_zero(margin: float) -> None:
    """And finite."""
    with pytest.raises(ValueError, match="needs a margin above zero"):
        equivalence(NEAR, FAR, margin)


def test_a_difference_of_the_margin_is_rarely_called_the_same() -> None:
    """In 5 % of 1000, at most."""
    generator = np.random.default_rng(0)
    said = [
        equivalence(generator.normal(size=10), generator.normal(size=10) + 2.0, 2.0).verdict == "the same"
        for _ in range(1000)
    ]

    assert np.mean(said) < 0.065
