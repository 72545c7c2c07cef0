"""Steps to a target, with runs that never got there."""

import math

import numpy as np
import pytest

from rlvitals.stats.groups.run_intervals import mean_of_runs
from rlvitals.stats.groups.survival import log_rank, reaching


def test_kaplan_and_meier_by_hand() -> None:
    """Reached at 1, 3 and 4; one run was last seen at 2 without: 1 - 1/4, then x (1 - 1/2), then 0."""
    found = reaching([1, 2, 3, 4], [True, False, True, True], 10)

    assert found.waiting == pytest.approx([0.75, 0.375, 0.0])
    assert (found.runs, found.reached, found.median) == (4, 3, 3.0)
    assert found.restricted_mean.estimate == pytest.approx(1 + 2 * 0.75 + 1 * 0.375)


def test_without_censoring_it_is_the_mean() -> None:
    """And Student's interval, which is of independent runs."""
    steps = [10.0, 14.0, 21.0]
    found = reaching(steps, [True] * 3, 100)

    assert found.restricted_mean == pytest.approx(mean_of_runs(steps, np.random.default_rng(0)))


def test_a_group_that_never_gets_there() -> None:
    """It waits to the horizon; there is no median, and no interval."""
    found = reaching([50, 50], [False, False], 50)

    assert found.restricted_mean.estimate == 50
    assert math.isnan(found.restricted_mean.low)
    assert math.isnan(found.median)


def test_beyond_the_horizon_is_censored() -> None:
    """A run that reached the target later has not reached it."""

    assert reaching([5, 70], [True, True], 50).reached == 1


def test_log_rank_finds_the_quicker_group() -> None:
    """And finds nothing in one that was dealt; a single group cannot be tested."""
    generator = np.random.default_rng(0)
    steps = np.concatenate([generator.exponential(10, 12), generator.exponential(60, 12)])
    reached = steps < 80
    steps, mine = np.minimum(steps, 80), np.arange(24) < 12

    assert log_rank(steps, reached, mine, generator) < 0.02
    assert log_rank(steps, reached, np.arange(24) % 2 == 0, generator) > 0.05
    assert math.isnan(log_rank(steps, reached, np.ones(24, dtype=bool), generator))


def test_log_rank_is_the_sum_over_events() -> None:
    """Of `d_1 - d n_1 / n`: where it is zero for every deal, the p-value is 1."""

    assert log_rank([1, 1], [True, True], [True, False], np.random.default_rng(0)) == 1.0
