"""Supervised warm start: before PPO's first step, the policy is fitted to the choices of a surrogate.

The surrogate is fitted to recorded attempts, so that PPO needs no steps for what they already show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray

from vtracer_gym.actions import DIMENSIONS
from vtracer_gym.baselines import START_SPREAD, Recorded
from vtracer_gym.observations import OBSERVATION_NAMES
from vtracer_gym.surrogate import Surrogate

if TYPE_CHECKING:
    from stable_baselines3.common.policies import ActorCriticPolicy

    from vtracer_gym.baselines import Try

MIXTURES: Final = 1_500
"""Number of mixtures of two logos on which the policy learns. The logos alone are too few for a smooth policy."""

EPOCHS: Final = 60
BATCH: Final = 64
LEARNING_RATE: Final = 2e-3

NOISE: Final = 0.3
"""Standard deviation of the elements of an observation that do not describe the logo, so that they have no effect."""


def explore(logos: int, attempt: Try, around: NDArray[np.floating], count: int, rng: np.random.Generator) -> Recorded:
    """Try random actions around one action, on all logos equally often.

    Args:
        logos: Number of logos.
        attempt: Function that makes the attempts.
        around: Action around which actions are drawn, shape (9,).
        count: Number of attempts.
        rng: Random generator for the actions and the order of logos.
    """
    chosen = np.concatenate([rng.permutation(logos) for _ in range(-(-count // logos))])[:count]
    actions = np.clip(rng.normal(around, START_SPREAD, (count, DIMENSIONS)), -1.0, 1.0)
    pairs = list(zip(chosen.tolist(), actions, strict=True))
    return Recorded(chosen, actions, attempt(pairs))


def warm_start(
    policy: ActorCriticPolicy,
    features: NDArray[np.float32],
    recorded: Recorded,
    around: NDArray[np.floating],
    seed: int,
) -> None:
    """Fit a policy to the actions that a surrogate predicts to be the best ones, for mixtures of logos.

    Args:
        policy: Policy to change. Its spread and its value function stay as they are.
        features: Features of the logos, shape (logos, features).
        recorded: Attempts on these logos.
        around: Action around which the surrogate searches, shape (9,).
        seed: Seed of the surrogate and of the mixtures.
    """
    surrogate = Surrogate(features, recorded, around, seed)
    rng = np.random.default_rng(seed)
    pairs = rng.integers(len(features), size=(MIXTURES, 2))
    share = rng.uniform(size=(MIXTURES, 1))
    mixed = share * features[pairs[:, 0]] + (1.0 - share) * features[pairs[:, 1]]
    actions = np.stack([surrogate.best_action(one) for one in mixed])
    rest = len(OBSERVATION_NAMES) - features.shape[1]
    noise = rng.normal(0.0, NOISE, (MIXTURES, rest))
    inputs = torch.tensor(np.concatenate([mixed, noise], axis=1), dtype=torch.float32)
    targets = torch.tensor(actions, dtype=torch.float32)
    learning = [*policy.mlp_extractor.policy_net.parameters(), *policy.action_net.parameters()]
    optimizer = torch.optim.AdamW(learning, LEARNING_RATE, weight_decay=1e-2)
    order = torch.Generator().manual_seed(seed)
    for _ in range(EPOCHS):
        for batch in torch.split(torch.randperm(MIXTURES, generator=order), BATCH):
            seen = policy.mlp_extractor.forward_actor(policy.pi_features_extractor(inputs[batch]))
            loss = torch.nn.functional.mse_loss(policy.action_net(seen), targets[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
