"""A2C of Stable-Baselines3 with several environments and a function as callback."""

import json
from typing import Any

from stable_baselines3 import A2C
from stable_baselines3.common.env_util import make_vec_env

counted = {"episodes": 0, "returns": 0.0}


def count(seen: dict[str, Any], _: dict[str, Any]) -> bool:
    """Count finished episodes."""
    for info in seen["infos"]:
        if "episode" in info:
            counted["episodes"] += 1
            counted["returns"] += info["episode"]["r"]
    return True


model = A2C("MlpPolicy", make_vec_env("CartPole-v1", n_envs=4, seed=2), n_steps=16, seed=2, device="cpu")
model.learn(6_400, callback=count)
print(json.dumps(counted))
