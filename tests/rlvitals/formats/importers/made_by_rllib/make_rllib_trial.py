"""Create the data of the tests: the folder of a trial of RLlib 2.60.0, without checkpoints.

pip install 'ray[rllib]==2.60.0' torch
python make_rllib_trial.py FOLDER
"""

import sys
import tarfile
import tempfile
from pathlib import Path

import ray
from ray import tune
from ray.rllib.algorithms.ppo import PPOConfig

ray.init(num_cpus=2, include_dashboard=False)
config = PPOConfig().environment("CartPole-v1").env_runners(num_env_runners=0, rollout_fragment_length=64)
config.training(train_batch_size=64, minibatch_size=32, num_epochs=1, lr=3e-4).debugging(seed=1)
with tempfile.TemporaryDirectory() as folder:
    run = tune.RunConfig(name="ppo", storage_path=folder, stop={"training_iteration": 2}, verbose=0)
    tune.Tuner("PPO", param_space=config, run_config=run).fit()
    (result,) = Path(folder).glob("ppo/*/result.json")
    with tarfile.open(Path(sys.argv[1]) / "trial.tar.gz", "w:gz") as archive:
        for name in ("result.json", "progress.csv", "params.json"):
            archive.add(result.with_name(name), f"PPO_CartPole-v1_00000/{name}")
