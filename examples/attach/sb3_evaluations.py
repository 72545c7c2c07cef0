"""PPO of Stable-Baselines3 with evaluations, checkpoints and TensorBoard."""

import json

import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import CheckpointCallback, EvalCallback
from stable_baselines3.common.monitor import Monitor, load_results

env = Monitor(gym.make("CartPole-v1"), "monitor")
eval_env = Monitor(gym.make("CartPole-v1"))
eval_env.reset(seed=66)
evaluation = EvalCallback(eval_env, eval_freq=1_024, n_eval_episodes=5, log_path="evaluations", verbose=0)
checkpoints = CheckpointCallback(2_048, "checkpoints")

model = PPO("MlpPolicy", env, n_steps=512, tensorboard_log="tensorboard", seed=6, device="cpu")
model.learn(3_072, callback=[evaluation, checkpoints], tb_log_name="cartpole")

episodes = load_results(".")
evaluations = np.load("evaluations/evaluations.npz")["results"]
print(
    json.dumps(
        {
            "episodes": len(episodes),
            "returns": float(episodes["r"].sum()),
            "evaluations": [float(one.mean()) for one in evaluations],
        }
    )
)
