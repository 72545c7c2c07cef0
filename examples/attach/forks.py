"""A training that forks: each child computes something and leaves without cleaning up."""

import json
import os

import gymnasium as gym
import numpy as np
from torch.utils.tensorboard import SummaryWriter

env = gym.make("CartPole-v1")
env.action_space.seed(31)
writer = SummaryWriter("runs/forks")
env.reset(seed=31)
counted = {"episodes": 0, "returns": 0.0}
length = 0
for step in range(1, 3_001):
    _, _, terminated, truncated, _ = env.step(env.action_space.sample())
    length += 1
    if terminated or truncated:
        counted["episodes"] += 1
        counted["returns"] += length
        writer.add_scalar("charts/episodic_return", length, step)
        writer.add_scalar("charts/episodic_length", length, step)
        length = 0
        env.reset()
    if step % 1_000 == 0:
        child = os.fork()
        if child == 0:
            trial = gym.make("CartPole-v1")
            trial.reset(seed=step)
            ended = [trial.step(int(trial.action_space.sample()))[2] for _ in range(5)]
            os._exit(int(np.sum(ended)))
        _, status = os.waitpid(child, 0)
        writer.add_scalar("children/exit_code", os.waitstatus_to_exitcode(status), step)
writer.close()
print(json.dumps(counted))
