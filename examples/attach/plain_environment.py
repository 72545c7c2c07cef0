"""REINFORCE with a linear policy in NumPy. Nothing is logged."""

import json

import gymnasium as gym
import numpy as np

env = gym.make("CartPole-v1")
random = np.random.default_rng(21)
weights = np.zeros(4)
episodes, total = 0, 0.0
for episode in range(200):
    obs, _ = env.reset(seed=21 if episode == 0 else None)
    gradients, rewards, done = [], [], False
    while not done:
        right = 1.0 / (1.0 + np.exp(-obs @ weights))
        action = int(random.random() < right)
        gradients.append((action - right) * obs)
        obs, reward, terminated, truncated, _ = env.step(action)
        rewards.append(float(reward))
        done = terminated or truncated
    returns = np.cumsum(rewards[::-1])[::-1]
    weights += 0.02 * np.mean(
        np.array(gradients) * ((returns - returns.mean()) / (returns.std() + 1e-8))[:, None], axis=0
    )
    episodes, total = episodes + 1, total + sum(rewards)
env.close()
print(json.dumps({"episodes": episodes, "returns": total}))
