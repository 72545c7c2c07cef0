"""Monitor a Stable-Baselines3 training with one callback.

    python examples/cartpole_sb3.py [FOLDER]

Then view the run with `rlvitals show --folder FOLDER` or `rlvitals ui FOLDER`.
"""

import sys

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.env_util import make_vec_env

from rlvitals import open_run
from rlvitals.adapters.sb3 import VitalsCallback


def main(log_dir: str = "logs") -> None:
    """Train for a few seconds and read the recorded run."""
    torch.set_num_threads(1)  # a small network does not benefit from more threads
    model = PPO("MlpPolicy", make_vec_env("CartPole-v1", 4, seed=1), n_steps=256, seed=1, device="cpu")
    vitals = VitalsCallback(log_dir)
    evaluations = EvalCallback(make_vec_env("CartPole-v1", 1, seed=2), eval_freq=512, n_eval_episodes=5, verbose=0)
    model.learn(8_192, callback=[vitals, evaluations])

    run = open_run(vitals.monitor.path)
    print(
        f"{'step':>6} {'value loss':>10} {'entropy':>8} {'KL':>7} {'clipped':>8} {'expl. var.':>10} {'|gradient|':>10}"
    )
    for u in run.records("updates"):
        print(
            f"{u.env_step:6} {u.value_loss:10.3f} {u.entropy:8.3f} {u.kl_divergence:7.4f} {u.clip_fraction:8.3f} "
            f"{u.explained_variance:10.3f} {u.gradient_norm:10.3f}"
        )
    for e in run.records("evaluations"):
        print(
            f"evaluation at step {e.env_step}: reward {e.reward:.1f} +/- {e.reward_std:.1f} over {e.episodes} episodes"
        )
    episodes = list(run.records("episodes"))
    print(
        f"{len(episodes)} episodes; first reward {episodes[0].reward:.0f}, last {episodes[-1].reward:.0f}: {run.path}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
