"""What a model and its environment are."""

from collections.abc import Callable
from typing import Any

import pytest
from gymnasium import spaces
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack, VecNormalize

from rlvitals.adapters.configuration import configuration_of

MakePpo = Callable[..., Any]


def test_facts_of_a_continuous_task(make_ppo: MakePpo, walk: Any) -> None:
    """Spaces, action dimension and how the environment is wrapped."""
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
    """How many actions there are, of how many dimensions: what an entropy is judged against."""
    env = walk()
    env.action_space = space
    facts = configuration_of(make_ppo(DummyVecEnv([lambda: env])))

    assert (facts["action_kind"], facts["action_dimension"], facts["action_count"]) == ("discrete", dimension, count)


def test_schedules_have_a_first_and_a_last_value(make_ppo: MakePpo) -> None:
    """A rate that anneals to zero is told by both ends, a constant one by itself."""
    facts = configuration_of(make_ppo(learning_rate=lambda left: 0.5 * left, clip_range=0.25))

    assert (facts["learning_rate"], facts["learning_rate_final"], facts["clip_range"]) == (0.5, 0.0, 0.25)
    assert "clip_range_final" not in facts
