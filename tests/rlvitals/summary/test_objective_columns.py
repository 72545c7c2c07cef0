"""Columns of custom objectives."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rlvitals import TrainingMonitor
from rlvitals.records import Episode
from rlvitals.summary.objective_columns import custom_columns_of, measured_objectives, read_custom_objectives
from rlvitals.summary.run_summary import summarise

Monitor = Callable[..., TrainingMonitor]
LOWER: dict[str, Any] = {"lower_is_better": ["size"]}


def test_a_custom_objective_is_read_from_extra(monitor: Monitor) -> None:
    """Episodes without a value are masked."""
    with monitor(configuration=LOWER) as training:
        training.log_episode(0, 1.0, 1, extra={"size": 5})
        training.log_episode(1, 1.0, 1)

    assert read_custom_objectives(training.run)["size"].tolist() == [5.0, None]


def test_attempts_provide_the_objective_of_their_best_one(monitor: Monitor) -> None:
    """An objective that only attempts report has the value of the best attempt."""
    with monitor(configuration=LOWER) as training:
        tried = [{"parameters": {"a": at}, "reward": at, "size": 10 - at} for at in range(3)]
        training.log_episode(0, 1.0, 3, attempts=tried)
        training.log_episode(1, 1.0, 1)

    assert read_custom_objectives(training.run)["size"].tolist() == [8.0, None]


def test_undeclared_entries_are_not_objectives(monitor: Monitor) -> None:
    """Without a declaration, an entry of `extra` has no better direction."""
    with monitor() as training:
        training.log_episode(0, 1.0, 1, extra={"size": 5})

    assert read_custom_objectives(training.run) == {}


def test_rows_follow_the_other_columns(monitor: Monitor) -> None:
    """A live run can gain episodes between two reads, so the number of rows is given."""
    with monitor(configuration=LOWER) as training:
        for number in range(3):
            training.log_episode(number, 1.0, 1, extra={"size": number})

        assert read_custom_objectives(training.run, 2)["size"].tolist() == [0.0, 1.0]
        assert read_custom_objectives(training.run, 4)["size"].tolist() == [0.0, 1.0, 2.0, None]


def test_records_give_the_same_columns() -> None:
    """The last records of a live run have the same objectives as its folder."""
    episodes = [Episode(time=0.0, episode=0, reward=1.0, length=1, extra={"size": 3.0})]

    assert custom_columns_of(episodes, LOWER)["size"].tolist() == [3.0]
    assert custom_columns_of([], LOWER)["size"].size == 0


def test_objectives_with_a_value_are_measured() -> None:
    """A column without any value is not an objective of the run."""
    columns = {"reward": np.ma.array([1.0]), "size": np.ma.array([1.0], mask=True)}

    assert [one.name for one in measured_objectives(LOWER, columns)] == ["reward"]


def test_a_falling_size_is_improving(monitor: Monitor) -> None:
    """An objective is part of levels, trends and groups, and the lower direction counts."""
    draws = np.random.default_rng(0)
    with monitor(configuration=LOWER) as training:
        for number in range(300):
            size = float(np.exp(draws.normal() + 8.0 - number / 150))
            training.log_episode(number, 0.0, 1, category="ab"[number % 2], extra={"size": size})
    found = summarise(training.run)

    assert found.measures["size"].trend.verdict == "improving"
    assert found.overview.levels["size"].median is not None
    assert all(group.objectives["size"] for group in found.success.by_category)
