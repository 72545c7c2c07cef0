"""REINFORCE in NumPy, logged with W&B without a network."""

import json
import os

import gymnasium as gym
import numpy as np
import wandb

os.environ["WANDB_MODE"] = "offline"
config = {"env_id": "CartPole-v1", "learning_rate": 0.02, "episodes": 150, "seed": 24}
run = wandb.init(project="cartpole", name="reinforce-24", config=config, settings=wandb.Settings(silent=True))
env = gym.make("CartPole-v1")
random = np.random.default_rng(24)
weights = np.zeros(4)
counted = {"episodes": 0, "returns": 0.0}
for episode in range(run.config.episodes):
    obs, _ = env.reset(seed=24 if episode == 0 else None)
    gradients, rewards, done = [], [], False
    while not done:
        right = 1.0 / (1.0 + np.exp(-obs @ weights))
        action = int(random.random() < right)
        gradients.append((action - right) * obs)
        obs, reward, terminated, truncated, _ = env.step(action)
        rewards.append(float(reward))
        done = terminated or truncated
    returns = np.cumsum(rewards[::-1])[::-1]
    advantages = (returns - returns.mean()) / (returns.std() + 1e-8)
    weights += run.config.learning_rate * np.mean(np.array(gradients) * advantages[:, None], axis=0)
    counted["episodes"] += 1
    counted["returns"] += sum(rewards)
    wandb.log({"return": sum(rewards), "length": len(rewards), "weights": {"norm": float(np.linalg.norm(weights))}})
env.close()
wandb.finish()
print(json.dumps(counted))
