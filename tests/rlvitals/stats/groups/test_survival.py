"""Steps to a target, with censored runs."""

import math

import numpy as np
import pytest

from rlvitals.stats.groups.run_intervals import mean_of_runs
from rlvitals.stats.groups.survival import log_rank, reaching


def test_kaplan_meier_matches_a_calculation_by_hand() -> None:
    """Three runs reach the target at 1, 3 and 4, one is censored at 2: 1 - 1/4, then x (1 - 1/2), then 0."""
    found = reaching([1, 2, 3, 4], [True, False, True, True], 10)

    assert found.waiting == pytest.approx([0.75, 0.375, 0.0])
    assert (found.runs, found.reached, found.median) == (4, 3, 3.0)
    assert found.restricted_mean.estimate == pytest.approx(1 + 2 * 0.75 + 1 * 0.375)


def test_without_censoring_the_restricted_mean_is_the_mean() -> None:
    """Its interval is Student's interval of independent runs."""
    steps = [10.0, 14.0, 21.0]
    found = reaching(steps, [True] * 3, 100)

    assert found.restricted_mean == pytest.approx(mean_of_runs(steps, np.random.default_rng(0)))


def test_a_group_that_never_reaches_the_target_has_no_median() -> None:
    """Its restricted mean is the horizon, without an interval."""
    found = reaching([50, 50], [False, False], 50)

    assert found.restricted_mean.estimate == 50
    assert math.isnan(found.restricted_mean.low)
    assert math.isnan(found.median)


def test_runs_beyond_the_horizon_are_censored() -> None:
    """A run that reaches the target after the horizon does not count as reached."""

    assert reaching([5, 70], [True, True], 50).reached == 1


def test_log_rank_detects_the_faster_group() -> None:
    """Mixed groups do not differ, and a single group has no p-value."""
    generator = np.random.default_rng(0)
    steps = np.concatenate([generator.exponential(10, 12), generator.exponential(60, 12)])
    reached = steps < 80
    steps, mine = np.minimum(steps, 80), np.arange(24) < 12

    assert log_rank(steps, reached, mine, generator) < 0.02
    assert log_rank(steps, reached, np.arange(24) % 2 == 0, generator) > 0.05
    assert math.isnan(log_rank(steps, reached, np.ones(24, dtype=bool), generator))


def test_log_rank_is_one_if_every_permutation_is_equal() -> None:
    """The sum of `d_1 - d n_1 / n` is zero for every permutation."""

    assert log_rank([1, 1], [True, True], [True, False], np.random.default_rng(0)) == 1.0
