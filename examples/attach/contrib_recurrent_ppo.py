"""Recurrent PPO of sb3-contrib."""

import json

import gymnasium as gym
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.monitor import Monitor, load_results

env = Monitor(gym.make("CartPole-v1"), "monitor")
model = RecurrentPPO("MlpLstmPolicy", env, n_steps=128, n_epochs=2, seed=7, device="cpu")
model.learn(768)

episodes = load_results(".")
print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))
