"""Two trainings of Stable-Baselines3, one after the other, in one program."""

import json
from typing import Any

from stable_baselines3 import A2C, PPO
from stable_baselines3.common.base_class import BaseAlgorithm

counted = {"episodes": 0, "returns": 0.0}


def count(seen: dict[str, Any], _: dict[str, Any]) -> bool:
    """Count finished episodes."""
    for info in seen["infos"]:
        if "episode" in info:
            counted["episodes"] += 1
            counted["returns"] += info["episode"]["r"]
    return True


models: list[BaseAlgorithm] = [
    PPO("MlpPolicy", "CartPole-v1", n_steps=256, seed=14, device="cpu"),
    A2C("MlpPolicy", "CartPole-v1", n_steps=64, seed=14, device="cpu"),
]
for model in models:
    model.learn(2_048, callback=count)
print(json.dumps(counted))
