"""Two trials of Ray Tune, with different learning rates."""

import json
from pathlib import Path

import ray
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
config = (
    PPOConfig()
    .environment("CartPole-v1")
    .env_runners(num_env_runners=0)
    .training(train_batch_size_per_learner=256, minibatch_size=64, num_epochs=2, lr=tune.grid_search([1e-3, 1e-4]))
)
run_config = tune.RunConfig(stop={"training_iteration": 2}, storage_path=str(Path("ray").absolute()), verbose=0)
results = tune.Tuner("PPO", param_space=config, run_config=run_config).fit()
print(json.dumps(sorted(result.config["lr"] for result in results)))
