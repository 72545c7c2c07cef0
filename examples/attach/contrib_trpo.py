"""TRPO of sb3-contrib."""

import json

import gymnasium as gym
from sb3_contrib import TRPO
from stable_baselines3.common.monitor import Monitor, load_results

env = Monitor(gym.make("CartPole-v1"), "monitor")
model = TRPO("MlpPolicy", env, n_steps=512, seed=9, device="cpu")
model.learn(2_048)

episodes = load_results(".")
print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))
