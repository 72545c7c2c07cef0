"""Supervised warm start: before PPO's first step, the policy and its value function are fitted to recorded attempts.

A surrogate of the reward, fitted to the attempts, chooses the actions for the policy. PPO then needs no steps for what
the attempts already show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from vtracer_gym.actions import actions_around
from vtracer_gym.baselines import START_SPREAD, Recorded
from vtracer_gym.observations import OBSERVATION_NAMES
from vtracer_gym.surrogate import Surrogate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stable_baselines3.common.policies import ActorCriticPolicy

    from vtracer_gym.baselines import Try

MIXTURES: Final = 1_500
"""Number of mixtures of two logos on which the policy learns. The logos alone are too few for a smooth policy."""

SAMPLES: Final = 90_000
"""Number of samples for fitting the policy, and for fitting its value function, with repetitions."""

BATCH: Final = 64
LEARNING_RATE: Final = 2e-3

NOISE: Final = 0.3
"""Standard deviation of the elements of an observation that do not describe the logo, so that they have no effect."""


def explore(logos: int, attempt: Try, around: NDArray[np.floating], count: int, rng: np.random.Generator) -> Recorded:
    """Try random actions around one action, on all logos equally often.

    Args:
        logos: Number of logos.
        attempt: Function that makes the attempts.
        around: Action around which actions are drawn, shape (5,).
        count: Number of attempts.
        rng: Random generator for the actions and the order of logos.
    """
    chosen = np.concatenate([rng.permutation(logos) for _ in range(-(-count // logos))])[:count]
    actions = actions_around(around, START_SPREAD, count, rng)
    pairs = list(zip(chosen.tolist(), actions, strict=True))
    return Recorded(chosen, actions, attempt(pairs))


def warm_start(
    policy: ActorCriticPolicy,
    features: NDArray[np.float32],
    recorded: Recorded,
    around: NDArray[np.floating],
    seed: int,
) -> None:
    """Fit a policy to the actions that a surrogate predicts to be the best ones, and its value function to the rewards.

    The policy is fitted for mixtures of logos. Fitted values let PPO compare rewards within a logo from the first
    update on: most of the variance is between logos.

    Args:
        policy: Policy to change. Its standard deviation stays as it is.
        features: Features of the logos, shape (logos, features).
        recorded: Attempts on these logos.
        around: Action around which the surrogate searches, shape (5,).
        seed: Seed of the surrogate and of the mixtures.
    """
    surrogate = Surrogate(features, recorded, around, seed)
    rng = np.random.default_rng(seed)
    pairs = rng.integers(len(features), size=(MIXTURES, 2))
    share = rng.uniform(size=(MIXTURES, 1))
    mixed = share * features[pairs[:, 0]] + (1.0 - share) * features[pairs[:, 1]]
    actions = np.stack([surrogate.best_action(one) for one in mixed])
    layers = policy.mlp_extractor
    _fit(policy, [layers.policy_net, policy.action_net], mixed, actions, rng)
    _fit(policy, [layers.value_net, policy.value_net], features[recorded.logo], recorded.rewards[:, None], rng)


def _fit(
    policy: ActorCriticPolicy,
    layers: Sequence[nn.Module],
    features: NDArray[np.floating],
    targets: NDArray[np.floating],
    rng: np.random.Generator,
) -> None:
    """Fit layers of a policy to targets by least squares, for any other elements of the observation.

    Args:
        policy: Policy whose feature extractor comes before the layers.
        layers: Layers to fit.
        features: Features of logos, shape (n, features).
        targets: Wanted outputs, shape (n, outputs).
        rng: Random generator for the other elements and the order.
    """
    count = len(features)
    noise = rng.normal(0.0, NOISE, (count, len(OBSERVATION_NAMES) - features.shape[1]))
    inputs = torch.tensor(np.concatenate([features, noise], axis=1), dtype=torch.float32)
    outputs = torch.tensor(targets, dtype=torch.float32)
    network = nn.Sequential(policy.features_extractor, *layers)
    optimizer = torch.optim.AdamW(nn.ModuleList(layers).parameters(), LEARNING_RATE, weight_decay=1e-2)
    for _ in range(max(1, SAMPLES // count)):
        for batch in np.array_split(rng.permutation(count), -(-count // BATCH)):
            loss = nn.functional.mse_loss(network(inputs[batch]), outputs[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
