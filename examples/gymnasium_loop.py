"""Monitor a custom training loop: a wrapper for episodes, and one call per update.

The learner is REINFORCE with a linear policy in NumPy, which is short enough to read.

    python examples/gymnasium_loop.py [FOLDER]
"""

import sys

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rlvitals import TrainingMonitor
from rlvitals.adapters.gymnasium import VitalsVectorWrapper

ENVIRONMENTS, STEPS, UPDATES, DISCOUNT, STEP_SIZE = 8, 256, 30, 0.99, 0.3

Array = NDArray[np.float64]


def probability_of_right(weights: Array, observations: Array) -> Array:
    """Return the policy's probability of pushing the cart to the right."""
    probability: Array = 1.0 / (1.0 + np.exp(-observations @ weights))
    return probability


def returns_to_go(rewards: Array, goes_on: Array) -> Array:
    """Return the discounted returns, cut at the ends of episodes."""
    returns = np.zeros_like(rewards)
    running = np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        running = returns[t] = rewards[t] + DISCOUNT * goes_on[t] * running
    return returns


def main(log_dir: str = "logs") -> None:
    """Train for a few seconds."""
    random = np.random.default_rng(1)
    weights = np.zeros(4)
    configuration = {"algorithm": "REINFORCE", "env_id": "CartPole-v1", "step_size": STEP_SIZE}
    with TrainingMonitor(log_dir, configuration=configuration) as monitor:
        envs = VitalsVectorWrapper(gymnasium.make_vec("CartPole-v1", ENVIRONMENTS), monitor)
        observations, _ = envs.reset(seed=1)
        for update in range(1, UPDATES + 1):
            seen, pushed, rewards, goes_on = [], [], [], []
            for _ in range(STEPS):
                right = random.random(ENVIRONMENTS) < probability_of_right(weights, observations)
                seen.append(observations)
                pushed.append(right)
                observations, reward, terminated, truncated, _ = envs.step(right.astype(int))
                rewards.append(reward)
                goes_on.append(1.0 - (terminated | truncated))
            states, actions = np.array(seen), np.array(pushed, dtype=float)
            returns = returns_to_go(np.array(rewards), np.array(goes_on))
            advantages = (returns - returns.mean()) / returns.std()
            probability = probability_of_right(weights, states)
            gradient = np.mean((advantages * (actions - probability))[..., None] * states, axis=(0, 1))
            weights += STEP_SIZE * gradient / np.linalg.norm(gradient)
            entropy = -(probability * np.log(probability) + (1 - probability) * np.log(1 - probability)).mean()
            monitor.log_training_step(
                envs.env_step,
                env_step=envs.env_step,
                update=update,
                entropy=entropy,
                learning_rate=STEP_SIZE,
                gradient_norm=float(np.linalg.norm(gradient)),
                return_mean=returns.mean(),
                return_std=returns.std(),
            )
        rewards_told = monitor.get_training_statistics(window_size=50)["reward_stats"]
        print(f"{monitor.session.total_episodes} episodes, mean reward of the last 50: {rewards_told['mean']:.1f}")
        print(f"recorded to {monitor.path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
