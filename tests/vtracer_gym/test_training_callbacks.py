from __future__ import annotations

import numpy as np
import torch
from stable_baselines3 import PPO

from vtracer_gym.environment import VectorizeEnv
from vtracer_gym.samples import sample_logos
from vtracer_gym.training_callbacks import PolicyAverage


def test_average_of_the_weights() -> None:
    """The policy gets the mean of the weights that it had at the times of the average."""
    model = PPO("MlpPolicy", VectorizeEnv(sample_logos(1, np.random.default_rng(0), 64)), seed=0, device="cpu")
    average = PolicyAverage(steps=90)
    average.init_callback(model)
    bias = model.policy.action_net.bias
    assert isinstance(bias, torch.nn.Parameter)
    for steps, value in ((30, 100.0), (60, 1.0), (90, 2.0)):
        with torch.no_grad():
            bias.fill_(value)
        average.num_timesteps = steps
        average.on_rollout_start()
    average.use()

    assert bias.tolist() == [1.5] * 9
