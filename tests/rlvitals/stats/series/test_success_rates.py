"""Success rates and targets."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.stats.series.intervals import wilson_interval
from rlvitals.stats.series.success_rates import episodes_until, success_by_group, success_over_time, success_rate


def test_episodes_without_an_outcome_do_not_count() -> None:
    """2 of the 3 episodes with an outcome succeeded."""
    found = success_rate([True, None, False, True, math.nan])

    assert (round(found.estimate, 4), found.used) == (0.6667, 3)


def test_ranges_cover_the_run_with_plain_wilson_intervals() -> None:
    """100 episodes are divided into four ranges of 25 with Wilson intervals."""
    outcomes = np.repeat([0.0, 0.0, 1.0, 1.0], 25)

    found = success_over_time(outcomes, blocks=4)
    assert [(block.first, block.last) for block in found] == [(0, 24), (25, 49), (50, 74), (75, 99)]
    assert [block.rate[:3] for block in found] == [wilson_interval(k, 25)[:3] for k in (0, 0, 25, 25)]


def test_without_episodes_there_are_no_rates() -> None:
    """An empty series has no ranges, and its rate is NaN."""

    assert success_over_time([]) == []
    assert math.isnan(success_rate([]).estimate)


def test_each_group_has_its_own_rate() -> None:
    """Groups are sorted by name, and episodes without a group are left out."""
    found = success_by_group([1, 0, 1, 1, 1], ["text", "text", "simple", None, "simple"])

    assert list(found) == ["simple", "text"]
    assert (found["simple"].estimate, found["text"].estimate) == (1.0, 0.5)


def test_a_different_number_of_groups_is_refused() -> None:
    """Every outcome needs one group."""
    with pytest.raises(ValueError, match="2 outcomes but 1 groups"):
        success_by_group([1, 0], ["a"])


def test_a_target_is_reached_at_the_end_of_its_window() -> None:
    """For 0, 0, 1, 1, 1, 0 the mean of the last two is 1 after 4 episodes, and drops again."""
    found = episodes_until([0, 0, 1, 1, 1, 0], 1.0, window=2)

    assert (found.status, found.episodes, found.held, found.best) == ("reached", 4.0, False, 1.0)


def test_a_target_that_stays_reached_is_held() -> None:
    """Every later window is at the target."""

    assert episodes_until([0, 1, 1, 1], 1.0, window=2).held


def test_a_target_that_is_too_high_is_not_reached() -> None:
    """The best mean is still reported."""
    found = episodes_until([1.0, 3.0, 2.0], 4.0, window=1)

    assert (found.status, found.best) == ("not reached", 3.0)


def test_fewer_episodes_than_a_window_are_not_enough() -> None:
    """Only finite values count towards the window."""

    assert episodes_until([5.0] * 99, 1.0).status == "not enough data"
    assert episodes_until([5.0, math.nan, 5.0], 1.0, window=3).status == "not enough data"


def test_non_finite_values_are_skipped() -> None:
    """A window skips them, but they count as episodes."""
    found = episodes_until([0.0, 5.0, math.nan, math.inf, 5.0, 5.0], 4.0, window=2)

    assert (found.status, found.episodes, found.held, found.best) == ("reached", 5.0, True, 5.0)


def test_a_loss_reaches_its_target_from_above() -> None:
    """A loss reaches its target at the first window at or below it."""

    assert episodes_until([3.0, 2.0, 1.0], 2.0, window=1, higher_is_better=False).episodes == 2.0


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.integers(1, 10), st.floats(-100, 100))
def test_the_first_window_matches_a_loop(values: list[float], window: int, target: float) -> None:
    """The result equals that of a loop, unless a mean equals the target up to rounding."""
    means = [math.fsum(values[i : i + window]) / window for i in range(len(values) - window + 1)]
    if any(abs(mean - target) < 1e-9 for mean in means):
        return

    found = episodes_until(values, target, window=window)
    slow = next((i + window for i, mean in enumerate(means) if mean >= target), math.nan)
    assert found.episodes == slow or (math.isnan(slow) and math.isnan(found.episodes))


def test_an_empty_window_is_refused() -> None:
    """A window must be at least one episode."""
    with pytest.raises(ValueError, match="at least 1"):
        episodes_until([1.0], 1.0, window=0)
