"""Tabular Q-learning on FrozenLake, logged with tensorboardX per episode."""

import json

import gymnasium as gym
import numpy as np
from tensorboardX import SummaryWriter

env = gym.make("FrozenLake-v1", is_slippery=False)
random = np.random.default_rng(23)
table = np.zeros((16, 4))
writer = SummaryWriter("runs/q_learning")
counted = {"episodes": 0, "returns": 0.0}
for episode in range(400):
    epsilon = max(0.05, 1.0 - episode / 200)
    state, _ = env.reset(seed=23 if episode == 0 else None)
    rewards, errors, done = 0.0, [], False
    while not done:
        best = random.permutation(4)
        action = int(random.integers(4)) if random.random() < epsilon else int(best[np.argmax(table[state][best])])
        following, reward, terminated, truncated, _ = env.step(action)
        target = float(reward) + 0.95 * (0.0 if terminated else table[following].max())
        errors.append(target - table[state, action])
        table[state, action] += 0.5 * errors[-1]
        state, rewards, done = following, rewards + float(reward), terminated or truncated
    counted["episodes"] += 1
    counted["returns"] += rewards
    writer.add_scalar("return", rewards, episode)
    writer.add_scalar("td_error", float(np.mean(np.abs(errors))), episode)
    writer.add_scalar("epsilon", epsilon, episode)
writer.close()
print(json.dumps(counted))
