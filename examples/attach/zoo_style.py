"""A training as RL Zoo sets it up: hyperparameters in YAML, several environments, normalisation, saved statistics."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from stable_baselines3 import A2C
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.monitor import load_results
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecNormalize

HYPERPARAMETERS = """
Pendulum-v1:
  n_envs: 4
  n_timesteps: 6400
  normalize: true
  policy: MlpPolicy
  n_steps: 16
  gamma: 0.9
  learning_rate: lin_7e-4
"""


def linear_schedule(initial: float) -> Callable[[float], float]:
    """Return a schedule that falls to 0."""
    return lambda remaining: remaining * initial


def main() -> None:
    """Train as `python train.py --algo a2c --env Pendulum-v1` does."""
    env_id, seed = "Pendulum-v1", 12
    settings: dict[str, Any] = yaml.safe_load(HYPERPARAMETERS)[env_id]
    set_random_seed(seed)
    folder = Path("logs/a2c") / f"{env_id}_1"
    folder.mkdir(parents=True)
    (folder / "config.yml").write_text(yaml.safe_dump(settings))
    steps, normalize = settings.pop("n_timesteps"), settings.pop("normalize")
    settings["learning_rate"] = linear_schedule(float(settings["learning_rate"].removeprefix("lin_")))
    env: Any = make_vec_env(env_id, n_envs=settings.pop("n_envs"), seed=seed, monitor_dir=str(folder))
    if normalize:
        env = VecNormalize(env, gamma=settings["gamma"])
    model = A2C(env=env, seed=seed, device="cpu", **settings)
    model.learn(steps)
    model.save(folder / env_id)
    env.save(folder / "vecnormalize.pkl")
    episodes = load_results(str(folder))
    print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))


if __name__ == "__main__":
    main()
