"""TD3 of Stable-Baselines3 on Pendulum, with action noise."""

import json

import gymnasium as gym
import numpy as np
from stable_baselines3 import TD3
from stable_baselines3.common.monitor import Monitor, load_results
from stable_baselines3.common.noise import NormalActionNoise

env = Monitor(gym.make("Pendulum-v1"), "monitor")
noise = NormalActionNoise(mean=np.zeros(1), sigma=0.1 * np.ones(1))
model = TD3(
    "MlpPolicy",
    env,
    action_noise=noise,
    learning_starts=400,
    train_freq=4,
    gradient_steps=1,
    batch_size=64,
    policy_kwargs={"net_arch": [64, 64]},
    seed=4,
    device="cpu",
)
model.learn(2_400, log_interval=2)

episodes = load_results(".")
print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))
