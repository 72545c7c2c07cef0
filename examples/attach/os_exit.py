"""A training that leaves with `os._exit` and an exit code of its own, as a worker does that must not clean up."""

import json
import os

import gymnasium as gym
from torch.utils.tensorboard import SummaryWriter

env = gym.make("CartPole-v1")
env.action_space.seed(32)
writer = SummaryWriter("runs/os_exit")
env.reset(seed=32)
counted = {"episodes": 0, "returns": 0.0}
length = 0
for step in range(1, 3_001):
    _, _, terminated, truncated, _ = env.step(env.action_space.sample())
    length += 1
    if terminated or truncated:
        counted["episodes"] += 1
        counted["returns"] += length
        writer.add_scalar("train/episode_length", length, step)
        length = 0
        env.reset()
writer.flush()
print(json.dumps(counted), flush=True)
os._exit(3)
