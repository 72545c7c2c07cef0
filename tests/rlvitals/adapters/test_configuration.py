"""Configuration of a model and its environment."""

from collections.abc import Callable
from typing import Any

import pytest
from gymnasium import spaces
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize

from rlvitals.adapters.configuration import configuration_of

MakePpo = Callable[..., Any]


def test_facts_of_a_continuous_task(make_ppo: MakePpo, walk: Any) -> None:
    """The configuration has the spaces, the action dimension and the wrappers of the environment."""
    env = VecNormalize(VecFrameStack(DummyVecEnv([lambda: Monitor(walk(continuous=True))]), 2), norm_reward=False)
    facts = configuration_of(make_ppo(env))

    expected = {
        "action_kind": "continuous",
        "action_dimension": 2,
        "vector_environment": ["VecNormalize", "VecFrameStack", "DummyVecEnv"],
        "normalize_observation": True,
        "normalize_reward": False,
        "policy": "ActorCriticPolicy",
        "net_arch": [8],
        "device": "cpu",
    }
    assert expected.items() <= facts.items()
    assert facts["environment"].startswith("<Monitor<Walk")


@pytest.mark.parametrize(
    ("space", "dimension", "count"),
    [(spaces.Discrete(3), 1, 3), (spaces.MultiDiscrete([2, 5]), 2, [2, 5]), (spaces.MultiBinary(4), 4, 2)],
)
def test_facts_of_discrete_actions(make_ppo: MakePpo, walk: Any, space: Any, dimension: int, count: Any) -> None:
    """The configuration has the number and the dimensions of actions, with which an entropy is compared."""
    env = walk()
    env.action_space = space
    facts = configuration_of(make_ppo(DummyVecEnv([lambda: env])))

    assert (facts["action_kind"], facts["action_dimension"], facts["action_count"]) == ("discrete", dimension, count)


def test_schedules_have_a_first_and_a_last_value(make_ppo: MakePpo) -> None:
    """A rate that anneals to zero has two values, and a constant rate has one."""
    facts = configuration_of(make_ppo(learning_rate=lambda left: 0.5 * left, clip_range=0.25))

    assert (facts["learning_rate"], facts["learning_rate_final"], facts["clip_range"]) == (0.5, 0.0, 0.25)
    assert "clip_range_final" not in facts
