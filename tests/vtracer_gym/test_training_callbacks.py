from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from stable_baselines3 import PPO

from vtracer_gym.environment import VectorizeEnv
from vtracer_gym.samples import sample_logos
from vtracer_gym.training_callbacks import PolicyAverage, apply_average


def weights_of(model: PPO) -> torch.Tensor:
    output = model.policy.action_net
    assert isinstance(output, torch.nn.Linear)
    return output.weight


def test_average_of_the_last_third() -> None:
    """The policy gets the mean of the weights that it had after each update of the last third, once for each."""
    model = PPO("MlpPolicy", VectorizeEnv(sample_logos(1, np.random.default_rng(0), 64)), seed=0, device="cpu")
    average = PolicyAverage(steps=90)
    average.init_callback(model)
    for steps, value in ((30, 100.0), (60, 1.0), (60, 1.0), (90, 2.0)):
        with torch.no_grad():
            weights_of(model).fill_(value)
        average.num_timesteps = steps
        average.on_rollout_start()
    apply_average(model)

    assert {value for row in weights_of(model).tolist() for value in row} == {1.5}


def test_a_checkpoint_contains_the_average(tmp_path: Path) -> None:
    """The average of a loaded checkpoint is that of the model that was saved."""
    model = PPO("MlpPolicy", VectorizeEnv(sample_logos(1, np.random.default_rng(0), 64)), seed=0, device="cpu")
    average = PolicyAverage(steps=3)
    average.init_callback(model)
    average.num_timesteps = 2
    average.on_rollout_start()
    before = weights_of(model).tolist()
    with torch.no_grad():
        weights_of(model).fill_(9.0)
    model.save(tmp_path / "model.zip")
    loaded = PPO.load(tmp_path / "model.zip", device="cpu")
    apply_average(loaded)

    assert weights_of(loaded).tolist() == before
