"""Signals of a rollout, compared with values computed by hand."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.buffers import DictRolloutBuffer, RolloutBuffer

from rlvitals.adapters.rollouts import advantage_residual, bound_fraction, observation_spread, rollout_signals


def column(*values: float) -> Any:
    return np.array(values).reshape(-1, 1)


def test_correct_advantages_have_no_residual() -> None:
    """With gamma = lambda = 0.5: A2 = 3, A1 = 1 + 0.5 V2 - V1 + 0.25 A2 = 1.75, and A0 ends an episode: 1 - V0 = 0."""
    rewards, values, starts = column(1, 1, 4), column(1, 0.5, 1), column(1, 1, 0)
    advantages = column(0.0, 1 + 0.5 * 1 - 0.5 + 0.25 * 3, 3.0)

    assert advantage_residual(rewards, values, starts, advantages, gamma=0.5, gae_lambda=0.5) == pytest.approx(0.0)


def test_wrong_advantages_are_measured() -> None:
    """If the first of two counted advantages (3, 4) is off by 5, the residual is sqrt(25/2) / sqrt(25/2) = 1."""
    rewards, nothing, starts = column(-2, 4, 0), column(0, 0, 0), column(1, 1, 1)
    advantages = column(3, 4, 0)

    assert advantage_residual(rewards, nothing, starts, advantages, gamma=0.9, gae_lambda=0.9) == pytest.approx(1.0)


@pytest.mark.parametrize(("advantages", "steps"), [(0.0, 4), (1.0, 1)])
def test_zero_advantages_have_no_residual(advantages: float, steps: int) -> None:
    """Zero advantages and a single step have no residual."""
    zeros = np.zeros((steps, 1))

    residual = advantage_residual(zeros, zeros, zeros, zeros + advantages, gamma=0.9, gae_lambda=0.9)
    assert residual is None


def test_stable_baselines_advantages_are_correct() -> None:
    """The residual of an SB3 rollout is a rounding error, but it is large if episode ends are ignored."""
    random = np.random.default_rng(1)
    buffer = filled(random)
    signals = rollout_signals(buffer)
    buffer.episode_starts[:] = 0
    forgot = rollout_signals(buffer)

    assert signals["extra"]["advantage_residual"] < 1e-6
    assert forgot["extra"]["advantage_residual"] > 0.1
    assert signals["advantage_mean"] == pytest.approx(buffer.advantages.mean(), rel=1e-5)
    assert signals["return_std"] == pytest.approx(buffer.returns.std(), rel=1e-5)


def filled(random: np.random.Generator) -> RolloutBuffer:
    box = spaces.Box(-1.0, 1.0, (2,))
    buffer = RolloutBuffer(32, box, box, n_envs=2)
    for _ in range(32):
        starts = random.random(2) < 0.2
        values, log_probs = torch.tensor(random.normal(size=(2, 2)), dtype=torch.float32)
        buffer.add(
            random.normal(size=(2, 2)), random.normal(size=(2, 2)), random.normal(size=2), starts, values, log_probs
        )
    buffer.compute_returns_and_advantage(torch.zeros(2), np.zeros(2))
    return buffer


def test_components_at_their_bounds() -> None:
    """Three of eight components are at or beyond a bound, and unbounded components do not count."""
    actions = np.array([[[-1.0, 0.5, 7.0]], [[2.0, 0.0, 8.0]], [[0.2, -3.0, 9.0]], [[0.0, 0.0, 9.0]]])
    space = spaces.Box(np.array([-1, -1, -np.inf], np.float32), np.array([1, 1, np.inf], np.float32))

    assert bound_fraction(actions, space) == 3 / 8


def test_squashed_actions_have_their_own_bounds() -> None:
    """Squashed actions are in [-1, 1], whatever the bounds of the environment."""
    assert bound_fraction(np.array([[[0.9999]], [[0.5]]]), spaces.Box(-10.0, 10.0, (1,)), squashed=True) == 0.5


@pytest.mark.parametrize("space", [spaces.Discrete(2), spaces.Box(-np.inf, np.inf, (1,))])
def test_without_bounds_there_is_no_fraction(space: spaces.Space[Any]) -> None:
    """An action space without bounds has no bound fraction."""
    assert bound_fraction(np.zeros((2, 1, 1)), space) is None


def test_constant_dimensions_are_counted() -> None:
    """Of two dimensions, one varies by 1 and one is constant, so both values are 0.5 on average."""
    observations = np.array([[[0.0, 7.1]], [[2.0, 7.1]]])

    assert observation_spread(observations) == {"observation_std": 0.5, "observation_constant_fraction": 0.5}


def test_a_constant_dimension_has_zero_std() -> None:
    """A constant 0.1, whose floating-point mean is not exactly 0.1, has a std of exactly zero."""
    observations = np.full((1000, 1, 1), 0.1)

    assert observations.std() > 0.0
    assert observation_spread(observations) == {"observation_std": 0.0, "observation_constant_fraction": 1.0}


def test_dict_observations_are_combined() -> None:
    """The dimensions of all parts have equal weight: (1 + 0 + 0) / 3."""
    observations = {"a": np.array([[[0.0]], [[2.0]]]), "b": np.zeros((2, 1, 2))}

    spread = observation_spread(observations)
    assert spread == {"observation_std": pytest.approx(1 / 3), "observation_constant_fraction": pytest.approx(2 / 3)}


def test_images_are_sampled() -> None:
    """The std of image observations is estimated from a sample, within its error."""
    images = np.random.default_rng(0).integers(0, 256, (64, 4, 84, 84, 1), dtype=np.uint8)

    assert observation_spread(images)["observation_std"] == pytest.approx(256 / math.sqrt(12), rel=0.02)


def test_non_finite_rewards_are_data() -> None:
    """Infinite and NaN rewards are passed through without a warning."""
    buffer = filled(np.random.default_rng(2))
    buffer.rewards[3] = buffer.advantages[3] = math.inf
    buffer.rewards[4] = buffer.advantages[4] = -math.inf

    signals = rollout_signals(buffer)
    assert math.isnan(signals["advantage_mean"])
    assert math.isnan(signals["extra"]["reward_std"])


def test_dict_rollout_buffers_are_supported() -> None:
    """A buffer of dict observations has the same signals."""
    space = spaces.Dict(a=spaces.Box(-1.0, 1.0, (2,)))
    buffer = DictRolloutBuffer(4, space, spaces.Discrete(2), n_envs=1)

    assert rollout_signals(buffer)["extra"]["observation_constant_fraction"] == 1.0
