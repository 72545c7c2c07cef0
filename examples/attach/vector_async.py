"""Random search for a linear policy with environments in other processes, and TensorBoard."""

import json

import gymnasium as gym
import numpy as np
from torch.utils.tensorboard import SummaryWriter


def make_env() -> gym.Env:
    """Return one environment."""
    return gym.wrappers.RecordEpisodeStatistics(gym.make("CartPole-v1"))


def main() -> None:
    """Try one candidate in each of four environments at a time."""
    envs = gym.vector.AsyncVectorEnv([make_env] * 4)
    random = np.random.default_rng(26)
    weights, best = np.zeros(4), -np.inf
    writer = SummaryWriter("runs/random_search")
    counted = {"episodes": 0, "returns": 0.0}
    obs, _ = envs.reset(seed=26)
    global_step = 0
    for iteration in range(30):
        candidates = weights + random.normal(size=(4, 4)) * 0.5
        results: list[list[float]] = [[] for _ in range(4)]
        for _ in range(50):
            actions = ((obs * candidates).sum(1) > 0).astype(int)
            obs, _, _, _, infos = envs.step(actions)
            global_step += 4
            for index in np.flatnonzero(infos.get("_episode", [])):
                results[index].append(float(infos["episode"]["r"][index]))
                counted["episodes"] += 1
                counted["returns"] += results[index][-1]
                writer.add_scalar("charts/episodic_return", results[index][-1], global_step)
                writer.add_scalar("charts/episodic_length", int(infos["episode"]["l"][index]), global_step)
        means = [float(np.mean(one)) if one else 0.0 for one in results]
        if max(means) > best:
            best, weights = max(means), candidates[int(np.argmax(means))]
        writer.add_scalar("search/best", best, global_step)
        writer.add_scalar("search/iteration", iteration, global_step)
    envs.close()
    writer.close()
    print(json.dumps(counted))


if __name__ == "__main__":
    main()
