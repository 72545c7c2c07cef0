"""PPO of Stable-Baselines3 on CartPole, with the tables that it prints and a Monitor file."""

import json

import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.monitor import Monitor, load_results

env = Monitor(gym.make("CartPole-v1"), "monitor")
model = PPO("MlpPolicy", env, n_steps=512, batch_size=64, seed=1, verbose=1, device="cpu")
model.learn(2_048)
model.save("ppo_cartpole")

episodes = load_results(".")
print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))
