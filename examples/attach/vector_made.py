"""Cross-entropy method on the vectorised CartPole of Gymnasium. Nothing is logged."""

import json

import gymnasium as gym
import numpy as np

ENVIRONMENTS = 16
envs = gym.make_vec("CartPole-v1", num_envs=ENVIRONMENTS, vectorization_mode="vector_entry_point")
random = np.random.default_rng(27)
mean, spread = np.zeros(4), np.ones(4)
episodes, total = 0, 0.0
obs, _ = envs.reset(seed=27)
running, resetting = np.zeros(ENVIRONMENTS), np.zeros(ENVIRONMENTS, dtype=bool)
for _ in range(10):
    candidates = mean + spread * random.normal(size=(ENVIRONMENTS, 4))
    scores = np.zeros(ENVIRONMENTS)
    for _ in range(60):
        obs, rewards, terminations, truncations, _ = envs.step(((obs * candidates).sum(1) > 0).astype(int))
        running = np.where(resetting, 0.0, running + rewards)
        scores += np.where(resetting, 0.0, rewards)
        resetting = terminations | truncations
        episodes += int(resetting.sum())
        total += float(running[resetting].sum())
    elite = candidates[np.argsort(scores)[-4:]]
    mean, spread = elite.mean(0), elite.std(0) + 0.05
envs.close()
print(json.dumps({"episodes": episodes, "returns": total}))
