from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO

from vtracer_gym.actions import DIMENSIONS, SPREADS, action_of, settings_of
from vtracer_gym.environment import VectorizeEnv
from vtracer_gym.features import FEATURE_NAMES
from vtracer_gym.models import Standardized
from vtracer_gym.observations import OBSERVATION_NAMES
from vtracer_gym.pipeline import Settings
from vtracer_gym.samples import sample_logos
from vtracer_gym.warm_start import explore, warm_start

LOGOS = 30
RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(LOGOS, len(FEATURE_NAMES))).astype(np.float32)
AROUND = np.zeros(DIMENSIONS)


def best_first_element(logo: int) -> float:
    """The best first element of an action depends on the first feature of the logo."""
    return 0.3 * float(np.clip(FEATURES[logo, 0], -1.0, 1.0))


def rewards(pairs: Sequence[tuple[int, NDArray[np.float64]]]) -> NDArray[np.float64]:
    return np.array([FEATURES[logo, 1] - 4.0 * (action[0] - best_first_element(logo)) ** 2 for logo, action in pairs])


def test_every_logo_is_explored_equally_often() -> None:
    """Random actions in the box are tried in turns on all logos, and their rewards are recorded."""
    found = explore(LOGOS, rewards, AROUND, 2 * LOGOS, np.random.default_rng(0))

    assert np.bincount(found.logo).tolist() == [2] * LOGOS
    assert np.abs(found.actions).max() <= 1.0
    assert found.rewards.tolist() == rewards(list(zip(found.logo, found.actions, strict=True))).tolist()


def test_every_colour_precision_is_explored() -> None:
    """Each of the three values is tried in at least a fifth of the attempts."""
    found = explore(LOGOS, rewards, action_of(Settings()), 40 * LOGOS, np.random.default_rng(0))
    tried = [settings_of(action).color_precision for action in found.actions]

    assert min(tried.count(value) for value in (5, 6, 7)) >= len(tried) / 5


def test_policy_starts_with_what_was_explored() -> None:
    """The policy chooses what was best for similar logos, and expects their mean rewards, whatever was tried before."""
    model = PPO(
        "MlpPolicy",
        VectorizeEnv(sample_logos(1, np.random.default_rng(0), 64)),
        seed=0,
        device="cpu",
        policy_kwargs={"features_extractor_class": Standardized},
    )
    recorded = explore(LOGOS, rewards, AROUND, 60 * LOGOS, np.random.default_rng(1))
    warm_start(model.policy, FEATURES, recorded, AROUND, seed=0)
    rest = np.random.default_rng(2).normal(0.0, 0.3, (LOGOS, len(OBSERVATION_NAMES) - len(FEATURE_NAMES)))
    observations = np.concatenate([FEATURES, rest], axis=1).astype(np.float32)
    chosen, _ = model.predict(observations, deterministic=True)
    best = [best_first_element(logo) for logo in range(LOGOS)]

    values = model.policy.predict_values(torch.tensor(observations))[:, 0].tolist()
    means = np.bincount(recorded.logo, weights=recorded.rewards) / np.bincount(recorded.logo)

    assert np.corrcoef(values, means)[0, 1] > 0.8
    assert np.corrcoef(chosen[:, 0], best)[0, 1] > 0.8
    assert float(np.abs(chosen[:, 1:] / SPREADS[1:]).mean()) == pytest.approx(0.0, abs=0.15)
