"""PPO of RLlib with one remote environment runner."""

import json

import ray
from ray.rllib.algorithms.ppo import PPOConfig

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
config = (
    PPOConfig()
    .environment("CartPole-v1")
    .env_runners(num_env_runners=1)
    .training(train_batch_size_per_learner=256, minibatch_size=64, num_epochs=2, lr=1e-3)
    .debugging(seed=1)
)
algorithm = config.build_algo()
results = [algorithm.train() for _ in range(3)]
learner = [result["learners"]["default_policy"] for result in results]
print(
    json.dumps(
        {
            "steps": [int(result["num_env_steps_sampled_lifetime"]) for result in results],
            "policy_loss": [float(each["policy_loss"]) for each in learner],
            "return": [float(result["env_runners"]["episode_return_mean"]) for result in results],
        }
    )
)
algorithm.stop()
