"""Maskable PPO of sb3-contrib on its environment with invalid actions."""

import json

from sb3_contrib import MaskablePPO
from sb3_contrib.common.envs import InvalidActionEnvDiscrete
from stable_baselines3.common.monitor import Monitor, load_results

env = Monitor(InvalidActionEnvDiscrete(dim=20, n_invalid_actions=10), "monitor")
model = MaskablePPO("MlpPolicy", env, n_steps=256, n_epochs=4, seed=8, device="cpu")
model.learn(1_536)

episodes = load_results(".")
print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))
