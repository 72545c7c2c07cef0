"""A search of hyperparameters with Optuna: every trial trains PPO and evaluates it."""

import json
from pathlib import Path

import gymnasium as gym
import optuna
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor, load_results


def objective(trial: optuna.Trial) -> float:
    """Return the mean return of a policy that is trained with the trial's hyperparameters."""
    learning_rate = trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)
    gamma = trial.suggest_categorical("gamma", [0.95, 0.99])
    folder = Path(f"trial_{trial.number}")
    folder.mkdir()
    env = Monitor(gym.make("CartPole-v1"), str(folder / "monitor"))
    model = PPO(
        "MlpPolicy", env, n_steps=256, learning_rate=learning_rate, gamma=gamma, n_epochs=4, seed=13, device="cpu"
    )
    model.learn(1_024)
    eval_env = Monitor(gym.make("CartPole-v1"))
    eval_env.reset(seed=66)
    mean, _ = evaluate_policy(model, eval_env, n_eval_episodes=3)
    return float(mean)


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=13))
study.optimize(objective, n_trials=3)

results = [load_results(f"trial_{trial.number}") for trial in study.trials]
print(
    json.dumps(
        {
            "episodes": sum(len(one) for one in results),
            "returns": float(sum(one["r"].sum() for one in results)),
            "best": study.best_trial.number,
        }
    )
)
