"""Trainings of Stable-Baselines3 in a script."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Recorded = Callable[..., Any]

pytestmark = pytest.mark.xdist_group("sb3_attachment")  # each script runs once

TRAINING = """
import json, gymnasium, torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.evaluation import evaluate_policy
torch.set_num_threads(1)
env = gymnasium.make("CartPole-v1")
small = {"policy_kwargs": {"net_arch": [8]}, "device": "cpu", "seed": 1}
evaluate_policy(PPO("MlpPolicy", env, **small), env, 3, warn=False)
ppo = PPO("MlpPolicy", env, n_steps=64, n_epochs=1, tensorboard_log="tb", **small)
seen = []
ppo.learn(256, callback=lambda local, _: seen.append(1) or True)
ppo.learn(128, reset_num_timesteps=False)
a2c = A2C("MlpPolicy", gymnasium.make("CartPole-v1"), **small).learn(100)
print(json.dumps([len(seen), len(ppo.ep_info_buffer), sum(float(one["r"]) for one in ppo.ep_info_buffer)]))
"""


def test_each_model_is_a_run(recorded: Recorded) -> None:
    """With the callback of the script, over several calls of `learn`, and without the evaluation before."""
    script = recorded(TRAINING)
    ppo, a2c = script.runs
    steps, episodes, total = json.loads(script.out)

    returns = [episode.reward for episode in ppo.records("episodes")]
    assert (script.code, steps) == (0, 256)
    assert (len(returns), sum(returns)) == (episodes, total)
    assert [update.env_step for update in ppo.records("updates")] == [64, 128, 192, 256, 320, 384]
    assert (ppo.header.configuration["algorithm"], a2c.header.configuration["algorithm"]) == ("PPO", "A2C")
    assert "rlvitals: recorded 2 runs: logs/PPO-CartPole-v1-" in script.err


def test_the_writer_of_the_library_is_not_recorded_again(recorded: Recorded) -> None:
    """Its values are those of the updates."""
    ppo = recorded(TRAINING).runs[0]

    assert [one.category for one in ppo.records("scalars")] == []


CUSTOM = """
import sys
sys.path.insert(0, {source!r})
import gymnasium, torch
from stable_baselines3 import PPO
from rlvitals.adapters.sb3 import VitalsCallback
model = PPO("MlpPolicy", gymnasium.make("CartPole-v1"), n_steps=64, policy_kwargs={{"net_arch": [8]}}, device="cpu")
model.learn(64, callback=VitalsCallback("mine", session_name="a"))
"""


def test_a_script_that_uses_the_callback_is_not_recorded_twice(recorded: Recorded) -> None:
    script = recorded(CUSTOM.format(source=str(Path(__file__).parents[3] / "src")))

    assert script.code == 0
    assert script.runs == []
    assert (script.folder / "mine" / "a").is_dir()


def test_a_run_that_cannot_be_created_does_not_stop_the_training(recorded_in: Recorded, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    script = recorded_in(TRAINING)

    assert script.code == 0
    assert json.loads(script.out)[0] == 256
    assert "a training of Stable-Baselines3 could not be recorded" in script.err


def test_a_step_in_which_another_callback_fails_is_recorded(recorded: Recorded) -> None:
    """The callback of the script fails at the end of the third episode."""
    text = TRAINING.replace("seen.append(1) or True", '1 / (3 - len(local["self"].ep_info_buffer))')
    (run,) = recorded(text).runs

    assert (run.header.status, len(list(run.records("episodes")))) == ("failed", 3)


SHARED = """
import gc, json, weakref, gymnasium, torch, wandb
from stable_baselines3 import A2C, PPO
torch.set_num_threads(1)
small = {"policy_kwargs": {"net_arch": [8]}, "device": "cpu", "seed": 1}
env = gymnasium.make("CartPole-v1")
env.reset(seed=0)
for step in range(300):
    if any(env.step(step % 2)[2:4]):
        env.reset()
ppo = PPO("MlpPolicy", "CartPole-v1", n_steps=64, n_epochs=1, **small)
ppo.learn(64)
known = weakref.ref(ppo)
del ppo
gc.collect()
wandb.init(name="logged", mode="offline")
A2C("MlpPolicy", "CartPole-v1", **small).learn(100)
wandb.log({"final/score": 5.0})
wandb.finish()
print(json.dumps(known() is None))
"""


def test_trainings_share_a_run_only_with_loggers(recorded: Recorded) -> None:
    """A baseline that the script stepped itself is another run, and a row after `learn` is in that of the training."""
    script = recorded(SHARED)
    baseline, ppo, a2c = script.runs

    assert [run.header.configuration.get("algorithm") for run in script.runs] == [None, "PPO", "A2C"]
    assert [run.header.status for run in script.runs] == ["completed"] * 3
    assert baseline.run_id.startswith("CartPole-v1-")
    assert len(list(ppo.records("updates"))) == 1
    assert (a2c.run_id, [one.values for one in a2c.records("scalars")]) == ("logged", [{"score": 5.0}])


def test_a_model_is_freed_after_its_training(recorded: Recorded) -> None:
    assert json.loads(recorded(SHARED).out) is True
