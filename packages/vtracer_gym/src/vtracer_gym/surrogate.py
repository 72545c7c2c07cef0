"""Surrogate: a model of the reward of any setting on any logo, learnt from recorded attempts.

It is a baseline (choose the setting with the best predicted reward, without reinforcement learning), and the policy is
fitted to its choices before PPO (see ``warm_start``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from vtracer_gym.actions import actions_around
from vtracer_gym.models import SMALLEST_SPREAD
from vtracer_gym.observations import MOST_SCALED

if TYPE_CHECKING:
    from vtracer_gym.baselines import Recorded

MEMBERS: Final = 3
"""Number of networks, whose predictions are averaged."""

HIDDEN: Final = 64
EPOCHS: Final = 30
BATCH: Final = 128

CANDIDATES: Final = 1_000
SPREAD: Final = 0.3
"""Standard deviation of the candidates around the best fixed action (see ``actions_around``)."""

AVERAGED: Final = 0.03
"""Share of the best candidates whose mean is chosen. The single best one profits most from errors of the model."""

RUINED: Final = -1.5
"""Rewards are clipped to this value below the mean of a logo: how bad a ruined drawing is does not matter."""


class Surrogate:
    """Predicts rewards from features of a logo and an action.

    Args:
        features: Features of the logos, shape (logos, features).
        recorded: Attempts on these logos.
        around: Action around which candidates are drawn, shape (5,).
        seed: Seed of the networks and of the candidates.
    """

    def __init__(
        self,
        features: NDArray[np.floating],
        recorded: Recorded,
        around: NDArray[np.floating],
        seed: int,
    ) -> None:
        self._shift = features.mean(axis=0)
        self._scale = 1.0 / np.maximum(features.std(axis=0), SMALLEST_SPREAD)
        logo, rewards = recorded.logo, recorded.rewards
        # The level of a logo says nothing about which action is best, and is most of the variance.
        counts = np.maximum(np.bincount(logo, minlength=len(features)), 1)
        level = np.bincount(logo, weights=rewards, minlength=len(features)) / counts
        inputs = np.concatenate([self._scaled(features)[logo], recorded.actions], axis=1)
        targets = np.maximum(rewards - level[logo], RUINED)
        rng = np.random.default_rng(seed)
        self._candidates = np.concatenate([actions_around(around, SPREAD, CANDIDATES, rng), around[None]])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._networks = [
                _trained(torch.tensor(inputs, dtype=torch.float32), torch.tensor(targets, dtype=torch.float32))
                for _ in range(MEMBERS)
            ]

    def _scaled(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(np.clip((features - self._shift) * self._scale, -MOST_SCALED, MOST_SCALED))

    def predict(self, features: NDArray[np.floating], actions: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the predicted rewards of actions on one logo, relative to the level of the logo, shape (n,).

        Args:
            features: Features of the logo, shape (features,).
            actions: Actions, shape (n, 5).
        """
        repeated = np.repeat(self._scaled(features)[None], len(actions), axis=0)
        inputs = torch.tensor(np.concatenate([repeated, actions], axis=1), dtype=torch.float32)
        with torch.no_grad():
            predicted = torch.stack([network(inputs)[:, 0] for network in self._networks]).mean(dim=0)
        return np.asarray(predicted.numpy(), np.float64)

    def best_action(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the mean of the actions with the best predicted rewards for a logo, shape (5,)."""
        predicted = self.predict(features, self._candidates)
        best = np.argsort(-predicted, kind="stable")[: max(1, round(AVERAGED * len(predicted)))]
        return np.asarray(self._candidates[best].mean(axis=0))


def _trained(inputs: torch.Tensor, targets: torch.Tensor) -> nn.Module:
    network = nn.Sequential(
        nn.Linear(inputs.shape[1], HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, 1)
    )
    batches = -(-len(inputs) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=EPOCHS * batches)
    for _ in range(EPOCHS):
        for batch in torch.split(torch.randperm(len(inputs)), BATCH):
            loss = nn.functional.smooth_l1_loss(network(inputs[batch])[:, 0], targets[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return network.eval()
