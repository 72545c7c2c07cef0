"""REINFORCE in NumPy that logs the same values with TensorBoard and with W&B."""

import json
import os

import gymnasium as gym
import numpy as np
import wandb
from torch.utils.tensorboard import SummaryWriter

os.environ["WANDB_MODE"] = "offline"
wandb.init(project="cartpole", name="both-25", config={"lr": 0.02, "seed": 25}, settings=wandb.Settings(silent=True))
writer = SummaryWriter("runs/both-25")
env = gym.make("CartPole-v1")
random = np.random.default_rng(25)
weights = np.zeros(4)
counted = {"episodes": 0, "returns": 0.0}
global_step = 0
for episode in range(150):
    obs, _ = env.reset(seed=25 if episode == 0 else None)
    gradients, rewards, done = [], [], False
    while not done:
        right = 1.0 / (1.0 + np.exp(-obs @ weights))
        action = int(random.random() < right)
        gradients.append((action - right) * obs)
        obs, reward, terminated, truncated, _ = env.step(action)
        rewards.append(float(reward))
        done = terminated or truncated
        global_step += 1
    returns = np.cumsum(rewards[::-1])[::-1]
    advantages = (returns - returns.mean()) / (returns.std() + 1e-8)
    gradient = np.mean(np.array(gradients) * advantages[:, None], axis=0)
    weights += 0.02 * gradient
    counted["episodes"] += 1
    counted["returns"] += sum(rewards)
    values = {
        "charts/episodic_return": sum(rewards),
        "charts/episodic_length": len(rewards),
        "losses/grad_norm": float(np.linalg.norm(gradient)),
        "policy/weight_norm": float(np.linalg.norm(weights)),
    }
    for tag, value in values.items():
        writer.add_scalar(tag, value, global_step)
    wandb.log({**values, "global_step": global_step})
env.close()
writer.close()
wandb.finish()
print(json.dumps(counted))
