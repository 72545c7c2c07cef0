"""How a run went, in a few hundred numbers."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals import TrainingMonitor
from rlvitals.summary.history import Point, best_window, history_of

Monitor = Callable[..., TrainingMonitor]

floats = st.lists(st.floats(width=32) | st.integers(-3, 3).map(float), max_size=40)


@given(values=floats, width=st.integers(0, 12))
def test_the_best_window_is_the_one_that_a_slow_loop_finds(values: list[float], width: int) -> None:
    """Up to rounding: no other window of finite numbers has a larger sum."""
    found = best_window(np.array(values, dtype=np.float64), width)
    windows = [values[first : first + width] for first in range(len(values) - width + 1)] if width else []
    sums = [math.fsum(window) if np.isfinite(window).all() else -math.inf for window in windows]

    if found is None:
        assert max(sums, default=-math.inf) == -math.inf
    else:
        scale = max(abs(value) for value in values if math.isfinite(value))
        assert sums[found] >= max(sums) - 1e-12 * scale * len(values)


def test_the_best_window_is_the_first_of_equals() -> None:
    """So that a constant run is at its best from the beginning."""
    assert best_window(np.array([1.0, 1.0, 1.0]), 2) == 0


def test_the_best_window_of_the_largest_floats_is_found() -> None:
    """Their sum is not finite, their mean is."""
    assert best_window(np.array([1e308, 1.7e308, 1.7e308]), 2) == 1


def test_stretches_are_tenths_the_best_and_all(monitor: Monitor) -> None:
    """Twenty episodes with rewards 0 to 19 and a last one of -1, worked out by hand."""
    with monitor() as training:
        for number in range(21):
            training.log_episode(number, -1.0 if number == 20 else number, length=10, success=number > 10)
    stretches = history_of(training.run).stretches

    assert {name: (s.first, s.end) for name, s in stretches.items()} == {
        "first_tenth": (0, 2),
        "last_tenth": (19, 21),
        "best_window": (18, 20),
        "whole_run": (0, 21),
    }
    assert [s.measures["reward"].mean for s in stretches.values()] == [0.5, 9.0, 18.5, 9.0]
    assert [s.success_rate for s in stretches.values()] == [0.0, 1.0, 1.0, 10 / 21]


def test_means_are_over_finite_values_and_the_others_are_counted(monitor: Monitor) -> None:
    """One NaN does not hide a million episodes, nor do they hide it."""
    with monitor() as training:
        for number, value in enumerate([1.0, math.nan, 3.0, math.inf, -math.inf]):
            training.log_episode(number, value, 1)
    reward = history_of(training.run).stretches["whole_run"].measures["reward"]

    assert (reward.mean, reward.min, reward.max, reward.not_finite) == (2.0, 1.0, 3.0, 3)


def test_episodes_without_any_finite_reward_have_no_mean(monitor: Monitor) -> None:
    """And there is no best among them."""
    with monitor() as training:
        training.log_episode(0, math.nan, 1)
    history = history_of(training.run)

    assert list(history.stretches) == ["first_tenth", "last_tenth", "whole_run"]
    assert history.stretches["whole_run"].measures["reward"].mean is None
    assert history.curve == [Point(None, 1)]


def test_what_was_never_said_is_no_measure(monitor: Monitor) -> None:
    """Absent is not NaN, and not zero."""
    with monitor() as training:
        training.log_episode(0, 1.0, 1, success=None)
    history = history_of(training.run)

    assert set(history.stretches["whole_run"].measures) == {"reward", "length"}
    assert history.stretches["whole_run"].success_rate is None


@pytest.mark.parametrize("episodes", [1, 59, 60, 61, 200])
def test_the_curve_covers_every_episode_once(monitor: Monitor, episodes: int) -> None:
    """Its points are means of parts that are of the same size, give or take one."""
    with monitor() as training:
        for number in range(episodes):
            training.log_episode(number, float(number), 1)
    curve = history_of(training.run).curve
    means = [point.mean for point in curve if point.mean is not None]

    assert len(curve) == min(60, episodes)
    assert means == sorted(means)
    assert abs(sum(means) / len(means) - (episodes - 1) / 2) <= episodes / 60


def test_categories_and_ends_are_counted_the_largest_first(monitor: Monitor) -> None:
    """With what their episodes were like; episodes without a category are a group of their own."""
    with monitor() as training:
        for number, category in enumerate(["b", "a", "a", None, "a"]):
            training.log_episode(
                number, number, 1, category=category, success=number < 3, termination_reason="done", env_step=number
            )
    history = history_of(training.run)

    assert [(g.name, g.episodes, g.success_rate, g.reward) for g in history.categories] == [
        ("a", 3, 2 / 3, 7 / 3),
        ("b", 1, 1.0, 0.0),
        (None, 1, 0.0, 3.0),
    ]
    assert [(g.name, g.episodes) for g in history.terminations] == [("done", 5)]


def test_a_metric_says_since_when_it_is_not_finite(monitor: Monitor) -> None:
    """The step of the first update in which it was not, and in how many it was not."""
    with monitor() as training:
        for step, value in enumerate([0.5, math.inf, 0.25, math.nan]):
            training.log_training_step(step=10 * step, value_loss=value, entropy=1.0 if step < 3 else None)
    metrics = history_of(training.run).metrics
    loss, entropy = metrics["value_loss"], metrics["entropy"]

    assert (loss.first, loss.not_finite, loss.not_finite_since, loss.recent) == (0.5, 2, 10, 0.375)
    assert math.isnan(loss.last or 0.0)
    assert (entropy.first, entropy.last, entropy.not_finite, entropy.not_finite_since) == (1.0, None, 0, None)
    assert set(metrics) == {"value_loss", "entropy"}


def test_a_run_without_updates_says_what_its_last_episode_said_of_the_algorithm(monitor: Monitor) -> None:
    """Metrics may come with the episodes."""
    with monitor() as training:
        for number in range(3):
            training.log_episode(number, 0.0, 1, algorithm_metrics={"entropy": float(number)})

    assert history_of(training.run).algorithm == {"entropy": 2.0}


def test_only_the_last_events_are_kept_but_all_are_counted(monitor: Monitor) -> None:
    """Oldest first, without what they do not say."""
    with monitor() as training:
        for number in range(20):
            training.log_note(f"note {number}")
    history = history_of(training.run)

    assert history.events_total == 22  # started, and completed
    assert [event["message"] for event in history.events] == [*(f"note {n}" for n in range(11, 20)), "completed"]
    assert "episode" not in history.events[0]


def test_an_abandoned_branch_is_no_part_of_the_history(monitor: Monitor) -> None:
    """Only what the run went on from counts."""
    with monitor() as training:
        for number in range(10):
            training.log_episode(number, 100.0, 1, env_step=number)
        training.rewind(env_step=4)
        training.log_episode(5, 1.0, 1, env_step=5)
    history = history_of(training.run)

    assert history.episodes == 6
    assert history.stretches["last_tenth"].measures["reward"].mean == 1.0


def test_a_run_in_which_nothing_happened_has_a_history_too(monitor: Monitor) -> None:
    """An empty one."""
    monitor().close()
    history = history_of(monitor("other").run)

    assert (history.episodes, history.updates, history.stretches, history.curve, history.metrics) == (0, 0, {}, [], {})
