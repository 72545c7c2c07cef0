"""Rows that the analysis of parameters uses."""

from collections.abc import Callable

import numpy as np

from rlvitals import TrainingMonitor
from rlvitals.summary.tried_parameters import exploration_facts, tried_rows

Monitor = Callable[..., TrainingMonitor]


def test_each_attempt_is_a_row(monitor: Monitor) -> None:
    """An attempt has its own parameters, reward and objectives, not those of its episode."""
    tried = [{"parameters": {"a": at}, "reward": 10.0 * at, "size": at} for at in range(2)]
    with monitor(configuration={"lower_is_better": ["size"]}) as training:
        training.log_episode(0, 99.0, 2, category="x", attempts=tried, parameters={"a": 7})
        training.log_episode(1, 99.0, 2)
    rows = tried_rows(training.run)

    assert rows is not None
    assert (rows.unit, rows.total, rows.parameters, rows.categories) == ("attempt", 2, {"a": [0, 1]}, ["x", "x"])
    assert {name: values.tolist() for name, values in rows.outcomes.items()} == {
        "reward": [0.0, 10.0],
        "size": [0.0, 1.0],
    }
    assert rows.directions == {"reward": "higher", "size": "lower"}


def test_without_attempts_each_episode_is_a_row(monitor: Monitor) -> None:
    """Episodes of one step need no explanation."""
    with monitor(configuration={"lower_is_better": ["size"]}) as training:
        for number in range(3):
            training.log_episode(number, float(number), 1, parameters={"a": number}, extra={"size": 5})
    rows = tried_rows(training.run)

    assert rows is not None
    assert (rows.unit, rows.note, list(rows.outcomes)) == ("episode", "Each episode is one row.", ["reward", "size"])


def test_rewards_of_several_steps_are_marked(monitor: Monitor) -> None:
    """The reward of a longer episode belongs to all of its steps, and its parameters to one."""
    with monitor() as training:
        training.log_episode(0, 1.0, 4, parameters={"a": 1})
    rows = tried_rows(training.run)

    assert rows is not None
    assert "per episode" in rows.note
    assert "attempts=[...]" in rows.note


def test_a_run_without_parameters_has_no_rows(monitor: Monitor) -> None:
    """Without parameters there is nothing to analyse."""
    with monitor() as training:
        training.log_episode(0, 1.0, 1)

    assert tried_rows(training.run) is None
    assert exploration_facts(training.run) is None


def test_a_window_has_the_last_episodes(monitor: Monitor) -> None:
    """A window counts episodes, whatever their number of attempts."""
    with monitor() as training:
        for number in range(4):
            training.log_episode(number, 1.0, 2, attempts=[{"parameters": {"a": number}, "reward": 1.0}] * 2)
    rows = tried_rows(training.run, window=2)

    assert rows is not None
    assert rows.parameters["a"] == [2, 2, 3, 3]


def test_differences_between_items_are_not_effects(monitor: Monitor) -> None:
    """Attempts are compared within their episode, so an item's own reward does not hide an effect or create one."""
    draws = np.random.default_rng(0)
    with monitor() as training:
        for number in range(200):
            item = 5.0 * draws.normal()
            tried = [{"a": float(draws.random()), "of_item": item + 0.1 * float(draws.random())} for _ in range(4)]
            attempts = [{"parameters": one, "reward": item + one["a"] + 0.1 * draws.normal()} for one in tried]
            training.log_episode(number, 0.0, 4, attempts=attempts)
    facts = exploration_facts(training.run)

    assert facts is not None
    (finding,) = facts["findings"]
    assert [effect["name"] for effect in finding["drivers"]["effects"] if effect["drives"]] == ["a"]
    assert finding["totals"][0]["share"] > 0.7
