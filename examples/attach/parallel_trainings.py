"""Two trainings of Stable-Baselines3 at the same time, in processes of `multiprocessing`."""

import json
import multiprocessing
from pathlib import Path


def train(seed: int) -> tuple[int, float]:
    """Train PPO, and return the number of episodes and the sum of their returns."""
    import gymnasium as gym
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.monitor import Monitor, load_results

    torch.set_num_threads(1)
    folder = Path(f"seed_{seed}")
    folder.mkdir()
    env = Monitor(gym.make("CartPole-v1"), str(folder / "monitor"))
    PPO("MlpPolicy", env, n_steps=256, seed=seed, device="cpu").learn(2_048)
    episodes = load_results(str(folder))
    return len(episodes), float(episodes["r"].sum())


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.map(train, [17, 18], chunksize=1)
    print(json.dumps({"episodes": sum(count for count, _ in results), "returns": sum(total for _, total in results)}))
