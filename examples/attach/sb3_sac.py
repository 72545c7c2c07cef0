"""SAC of Stable-Baselines3 on Pendulum."""

import json

import gymnasium as gym
from stable_baselines3 import SAC
from stable_baselines3.common.monitor import Monitor, load_results

env = Monitor(gym.make("Pendulum-v1"), "monitor")
model = SAC("MlpPolicy", env, learning_starts=400, train_freq=4, batch_size=64, seed=3, device="cpu")
model.learn(2_400, log_interval=2)

episodes = load_results(".")
print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))
