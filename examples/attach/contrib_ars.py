"""ARS of sb3-contrib, which evaluates whole candidates between two calls of a callback."""

import json

from sb3_contrib import ARS
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.monitor import load_results

env = make_vec_env("CartPole-v1", n_envs=1, seed=11, monitor_dir=".")
model = ARS("LinearPolicy", env, n_delta=4, n_top=2, n_eval_episodes=1, seed=11, device="cpu")
model.learn(4_000)

episodes = load_results(".")
print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))
