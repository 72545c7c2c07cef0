"""Tests of successes."""

import math
from typing import Any

import numpy as np
import pytest

from rlvitals.summary.successes import coded, successes


def episodes(**columns: Any) -> dict[str, Any]:
    """Return columns of 400 episodes. Columns that are not given are missing."""
    size = len(next(iter(columns.values())))
    names = ("success", "reward", "quality_improvement", "category", "difficulty")
    absent = {
        name: np.ma.array(np.zeros(size, dtype=object if name in names[3:] else float), mask=True) for name in names
    }
    return absent | {name: np.ma.asarray(column) for name, column in columns.items()}


def test_rates_are_over_reporting_episodes() -> None:
    """A rate is over the episodes that reported success or failure, with Wilson's interval: 8 of 10 is 49 % to 94 %."""
    success: Any = np.ma.array([1.0] * 8 + [0.0] * 2 + [0.0] * 10, mask=[False] * 10 + [True] * 10)
    found = successes(episodes(success=success, reward=np.zeros(20)), None)

    assert (found.known, found.total) == (10, 8)
    assert found.rate is not None
    assert (found.rate.estimate, found.rate.low, found.rate.high) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-4)


def test_without_success_reports_there_is_no_rate() -> None:
    """Without success reports there is no rate, but there are groups by category."""
    found = successes(episodes(reward=[1.0, 3.0, math.nan], category=np.array(["a", "b", "a"], dtype=object)), None)

    assert (found.rate, found.over_time, found.success_mix) == (None, [], None)
    assert [(group.name, group.episodes, group.reward) for group in found.by_category] == [("a", 2, 1.0), ("b", 1, 3.0)]


def test_a_changed_mix_is_not_skill() -> None:
    """If each type stays the same and the easy one becomes frequent, the verdict attributes the rise to the mix."""
    draws = np.random.default_rng(0)
    easy = draws.random(2_000) < np.linspace(0.2, 0.8, 2_000)
    category = np.where(easy, "easy", "hard").astype(object)
    found = successes(episodes(reward=2.0 * easy + draws.normal(size=2_000), category=category), None)

    assert found.reward_mix is not None
    assert found.reward_mix.verdict == "only the mix moves"
    assert found.reward_mix.total.estimate == pytest.approx(0.6, abs=0.2)


def test_a_target_is_reached_by_a_window_of_episodes() -> None:
    """A target is reached by a full window of 100 episodes, and held if later windows stay there."""
    reward = np.r_[np.zeros(100), np.full(200, 2.0)]
    found = successes(episodes(reward=reward), 1.0).target

    assert found is not None
    assert (found.status, found.episodes, found.held, found.best) == ("reached", 150, True, 2.0)


def test_texts_are_coded_in_sorted_order() -> None:
    """Texts are coded in sorted order, and an empty text differs from a missing one."""
    column = np.ma.array(np.array(["b", "", "a", "b"], dtype=object), mask=[False, False, False, True])

    labels, codes = coded(column)
    assert labels == ["", "a", "b"]
    assert codes.tolist() == [2, 0, 1, -1]
