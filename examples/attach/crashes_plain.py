"""A training in a loop of its own that ends with an exception, with its writer still open."""

import gymnasium as gym
import numpy as np
from torch.utils.tensorboard import SummaryWriter

env = gym.make("CartPole-v1")
env.action_space.seed(30)
writer = SummaryWriter("runs/crashes")
env.reset(seed=30)
lengths: list[int] = []
length, loss = 0, 1.0
for step in range(1, 3_001):
    _, _, terminated, truncated, _ = env.step(env.action_space.sample())
    length += 1
    if terminated or truncated:
        lengths.append(length)
        loss *= 0.99
        writer.add_scalar("train/loss", loss, step)
        length = 0
        env.reset()
    if step == 2_500:
        writer.flush()
        raise ValueError(f"the loss of episode {len(lengths)} is not finite: {np.log(-1.0 + 0.0 * loss + 0.0)}")
