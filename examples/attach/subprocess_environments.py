"""PPO of Stable-Baselines3 with environments in subprocesses."""

import json

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.monitor import load_results
from stable_baselines3.common.vec_env import SubprocVecEnv


def main() -> None:
    """Train with two subprocesses."""
    env = make_vec_env("CartPole-v1", n_envs=2, seed=15, vec_env_cls=SubprocVecEnv, monitor_dir=".")
    model = PPO("MlpPolicy", env, n_steps=256, seed=15, device="cpu")
    model.learn(2_048)
    env.close()
    episodes = load_results(".")
    print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))


if __name__ == "__main__":
    main()
