"""A training that a scheduler stops with SIGTERM."""

import json
import os
import signal

import gymnasium as gym
from torch.utils.tensorboard import SummaryWriter

env = gym.make("CartPole-v1")
env.action_space.seed(29)
writer = SummaryWriter("runs/terminated")
env.reset(seed=29)
episodes, length = 0, 0
for step in range(1, 3_001):
    _, _, terminated, truncated, _ = env.step(env.action_space.sample())
    length += 1
    if terminated or truncated:
        episodes += 1
        writer.add_scalar("train/episode_length", length, step)
        length = 0
        env.reset()
    if episodes == 100:
        print(json.dumps({"episodes": episodes}), flush=True)
        writer.flush()
        os.kill(os.getpid(), signal.SIGTERM)
