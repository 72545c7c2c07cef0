"""QR-DQN of sb3-contrib."""

import json

import gymnasium as gym
from sb3_contrib import QRDQN
from stable_baselines3.common.monitor import Monitor, load_results

env = Monitor(gym.make("CartPole-v1"), "monitor")
model = QRDQN(
    "MlpPolicy", env, learning_starts=500, train_freq=8, policy_kwargs={"n_quantiles": 25}, seed=10, device="cpu"
)
model.learn(4_000)

episodes = load_results(".")
print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))
