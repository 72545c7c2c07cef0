"""DQN of Stable-Baselines3 on CartPole, trained in two calls of `learn`."""

import json

import gymnasium as gym
from stable_baselines3 import DQN
from stable_baselines3.common.monitor import Monitor, load_results

env = Monitor(gym.make("CartPole-v1"), "monitor")
model = DQN("MlpPolicy", env, learning_starts=500, buffer_size=5_000, train_freq=4, seed=5, device="cpu")
model.learn(2_000)
model.learn(2_000, reset_num_timesteps=False)

episodes = load_results(".")
print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))
