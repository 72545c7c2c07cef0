"""Default names of runs."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.recording.run_name import default_run_name
from rlvitals.runs.layout import checked_name

START = 1_795_927_290.0
"""29 November 2026, 04:41:30 UTC."""


@pytest.mark.parametrize(
    ("configuration", "named"),
    [
        ({"algorithm": "PPO", "env_id": "CartPole-v1"}, "PPO-CartPole-v1"),
        ({"algo": "sac", "environment": "Ant-v5"}, "sac-Ant-v5"),
        ({"algorithm": "PPO"}, "PPO"),
        ({"env": "CartPole-v1"}, "CartPole-v1"),
        ({"algorithm": "DQN", "env_id": "ALE/Pong-v5"}, "DQN-ALE-Pong-v5"),
        ({"args": {"algo": "PPO", "env-id": "CartPole-v1"}}, "PPO-CartPole-v1"),
        ({"algorithm": "sb3_contrib.qrdqn.QRDQN"}, "QRDQN"),
        ({"algorithm": "<class 'stable_baselines3.ppo.ppo.PPO'>"}, "PPO"),
        ({"environment": "<Monitor<TimeLimit<CartPoleEnv<CartPole-v1>>>>"}, "CartPole-v1"),
        ({"environment": "<mazes.Maze object at 0x7f2c>"}, "Maze"),
        ({"environment": "<Maze instance>"}, "Maze"),
        ({"environment": "<Monitor<...>>", "environment_id": "Maze-v0"}, "Maze-v0"),
        ({"algorithm": "../..", "env_id": "a\x00b:c"}, "a-b-c"),
    ],
)
def test_a_name_shows_algorithm_and_environment(configuration: dict[str, Any], named: str) -> None:
    """They are found in the configuration in every spelling known to the rules and comparisons."""
    assert default_run_name(configuration, START) == f"{named}-20261129-0441"


@pytest.mark.parametrize("configuration", [{}, {"algorithm": "***", "env": None}, {"algorithm": 3, "env": {"a": 1}}])
def test_without_both_the_name_is_the_time_and_a_random_suffix(configuration: dict[str, Any]) -> None:
    """Unusable values, such as a masked text, count as missing."""
    assert re.fullmatch(r"20261129-044130-[0-9a-f]{4}", default_run_name(configuration, START))


@given(algorithm=st.text(max_size=200), environment=st.text(max_size=200))
def test_every_default_name_is_a_valid_folder_name(algorithm: str, environment: str) -> None:
    """This holds for any configuration, and with a number as suffix."""
    name = default_run_name({"algorithm": algorithm, "env_id": environment}, START)

    assert checked_name(f"{name}-99") == f"{name}-99"


def test_a_long_name_is_truncated_before_the_time() -> None:
    """The algorithm and the environment are truncated separately."""
    name = default_run_name({"algorithm": "A" * 300, "env_id": "Ab" * 300}, START)

    assert name == f"{'A' * 40}-{'Ab' * 20}-20261129-0441"
