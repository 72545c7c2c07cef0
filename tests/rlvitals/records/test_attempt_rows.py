"""Attempts of an episode as rows."""

import math
from typing import Any

from rlvitals.records.attempt_rows import AttemptRow, best_of, decoded_attempts, episode_value, rows_of
from rlvitals.records.objectives import Objective

SIZE = Objective("size", "lower")


def test_a_row_has_the_parameters_and_the_numbers_of_an_attempt() -> None:
    """Texts, flags and attempts without parameters are left out. `quality` is the quality of the episode."""

    attempts: list[dict[str, Any]] = [
        {"parameters": {"speed": 2}, "reward": 1.0, "quality": 0.9, "failed": False, "note": "slow"},
        {"reward": 2.0},
    ]
    assert rows_of(attempts) == [AttemptRow({"speed": 2}, {"reward": 1.0, "quality_final": 0.9})]


def test_the_best_attempt_has_the_highest_reward() -> None:
    """The first of equal attempts is the best one, and NaN never is."""

    attempts = [{"reward": math.nan}, {"reward": 2.0, "size": 1}, {"reward": 2.0, "size": 2}]
    assert best_of(attempts) == {"reward": 2.0, "size": 1}


def test_an_episode_has_the_value_of_extra_or_of_its_best_attempt() -> None:
    """The entry of `extra` takes precedence."""

    attempts = [{"reward": 1.0, "size": 7}, {"reward": 3.0, "size": 5}]
    assert episode_value(SIZE, {"size": 9}, attempts) == 9.0
    assert episode_value(SIZE, {}, attempts) == 5.0
    assert episode_value(SIZE, None, None) is None


def test_attempts_are_decoded_from_their_column() -> None:
    """The column holds JSON, in which non-finite numbers are texts."""

    assert (
        repr(decoded_attempts('[{"reward":"NaN","parameters":{"a":1}}]')) == "[{'reward': nan, 'parameters': {'a': 1}}]"
    )
    assert decoded_attempts(None) == []
