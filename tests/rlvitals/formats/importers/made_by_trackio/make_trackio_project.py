"""Create the data of the tests: a project of trackio 0.43.0 with two runs.

pip install trackio==0.43.0
python make_trackio_project.py FOLDER && gzip -n -9 FOLDER/cartpole.db
"""

import os
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
os.environ["TRACKIO_DIR"] = str(FOLDER)

import trackio  # type: ignore[import-not-found] # noqa: E402 - it reads the folder when it is imported

for seed in (1, 2):
    config = {"learning_rate": 3e-4, "env_id": "CartPole-v1", "seed": seed, "net": {"layers": [64, 64]}}
    trackio.init(project="cartpole", name=f"ppo-{seed}", config=config, embed=False)
    for update in range(3):
        trackio.log(
            {
                "global_step": 100 * update,
                "rollout/ep_rew_mean": 10.0 * seed + update,
                "train": {"approx_kl": 0.25 * update, "loss": float("nan")},
                "bound": float("-inf"),
                "note": "warm-up",
            }
        )
    trackio.finish()
