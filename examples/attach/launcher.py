"""A launcher that starts the training in another Python process and passes its exit code on."""

import json
import subprocess
import sys


def train(seed: int) -> None:
    """Train PPO."""
    import gymnasium as gym
    from stable_baselines3 import PPO
    from stable_baselines3.common.monitor import Monitor, load_results

    model = PPO("MlpPolicy", Monitor(gym.make("CartPole-v1"), "monitor"), n_steps=256, seed=seed, device="cpu")
    model.learn(2_048)
    episodes = load_results(".")
    print(json.dumps({"episodes": len(episodes), "returns": float(episodes["r"].sum())}))


if __name__ == "__main__":
    if "--train" in sys.argv:
        train(int(sys.argv[-1]))
    else:
        print("starting the training", flush=True)
        sys.exit(subprocess.run([sys.executable, __file__, "--train", "16"], check=False).returncode)
