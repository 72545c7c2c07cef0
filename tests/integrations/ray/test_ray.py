"""RLlib and Ray Tune in unmodified scripts. They need a separate environment, because Ray pins Gymnasium."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ray.tune.experiment import Trial

from rlvitals.adapters.tune import VitalsLoggerCallback
from rlvitals.diagnosis import diagnose, evidence_of
from rlvitals.runs import Run
from rlvitals.runs.reward_series import reward_series

SCRIPTS = Path(__file__).parents[3] / "examples" / "attach"


def recorded(name: str, folder: Path) -> tuple[Any, list[Run], list[Any]]:
    """Run a script under `rlvitals run`. Return what it printed, its runs, and what was attached to them."""
    command = [sys.executable, "-m", "rlvitals", "run", "--json", "--", sys.executable, str(SCRIPTS / f"{name}.py")]
    # Ray starts its own processes, which find their packages like the driver.
    quiet = {**os.environ, "RAY_AIR_NEW_OUTPUT": "0", "RAY_DEDUP_LOGS": "0", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=quiet, timeout=600)
    assert done.returncode == 0, done.stderr[-3_000:]
    assert "nanobind" not in done.stderr  # from DuckDB, at the end of a process that loaded it
    report = json.loads(done.stderr[done.stderr.rindex('{"runs"') :])["runs"]  # Ray does not end its last line
    runs = sorted((Run(one["run"]) for one in report), key=lambda run: run.run_id)
    return json.loads(done.stdout.splitlines()[-1]), runs, [one["attached"] for one in report]


@pytest.fixture(scope="module")
def rllib(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, list[Run], list[Any]]:
    """A training with RLlib."""
    return recorded("rllib_ppo", tmp_path_factory.mktemp("rllib"))


def test_results_of_an_algorithm_are_updates(rllib: Any) -> None:
    printed, (run,), attached = rllib
    updates = list(run.records("updates"))

    assert [update.env_step for update in updates] == printed["steps"]
    assert [update.policy_loss for update in updates] == pytest.approx(printed["policy_loss"])
    assert attached == [["RLlib PPO"]]
    assert run.header.status == "completed"


def test_the_reward_is_the_mean_return_of_the_results(rllib: Any) -> None:
    printed, (run,), _ = rllib
    series = reward_series(run)

    assert series is not None
    assert series.values.tolist() == pytest.approx(printed["return"])


def test_the_run_can_be_diagnosed(rllib: Any) -> None:
    """Algorithm, environment and settings are known."""
    _, (run,), _ = rllib
    settings = run.header.configuration

    assert (settings["algorithm"], settings["env_id"], settings["lr"]) == ("PPO", "CartPole-v1", 1e-3)
    assert diagnose(evidence_of(run)).findings is not None


def test_each_trial_is_a_run(tmp_path: Path) -> None:
    printed, runs, attached = recorded("tune_trials", tmp_path)

    assert sorted(run.header.configuration["lr"] for run in runs) == printed
    assert [len(list(run.records("updates"))) for run in runs] == [2, 2]
    assert {run.header.status for run in runs} == {"completed"}
    assert attached == [["Ray Tune"], ["Ray Tune"]]


@pytest.mark.parametrize(
    ("options", "name"), [({}, "PPO_Mine:v1_a_1"), ({"session_name": "search"}, "search-PPO_Mine:v1_a_1")]
)
def test_the_name_of_a_run_is_that_of_its_trial_after_the_session_name(
    tmp_path: Path, options: dict[str, Any], name: str
) -> None:
    """Characters that a run name cannot have are replaced."""
    callback = VitalsLoggerCallback(tmp_path, **options)
    trial = Trial("PPO", stub=True, config={"env": "Mine:v1"}, trial_id="a_1")
    for _ in range(2):  # the second one is a restored trial
        callback.log_trial_start(trial)
        callback.log_trial_end(trial)

    assert [path.name for path in tmp_path.iterdir()] == [name.replace(":", "-")]
