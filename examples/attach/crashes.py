"""A training of Stable-Baselines3 that ends with an exception of its callback."""

from typing import Any

from stable_baselines3 import PPO

counted = {"episodes": 0}


def check(seen: dict[str, Any], _: dict[str, Any]) -> bool:
    """Fail at the 30th episode."""
    counted["episodes"] += sum("episode" in info for info in seen["infos"])
    if counted["episodes"] == 30:
        raise RuntimeError("the simulator lost its connection")
    return True


PPO("MlpPolicy", "CartPole-v1", n_steps=256, seed=19, device="cpu").learn(4_096, callback=check)
