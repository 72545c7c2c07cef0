"""Unmodified scripts of many styles are recorded by `rlvitals run`, and behave as without it."""

import signal
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
from recorded_script import (
    SCRIPTS,
    STUDY,
    RecordedScript,
    logged_with_tensorboard,
    logged_with_wandb,
    recorded_values,
    run_twice,
    single,
)

from rlvitals.diagnosis import diagnose, evidence_of
from rlvitals.summary.status import state_of

EVALUATION = "eval/"
ENVIRONMENT, WRITER, WANDB = "Gymnasium environment", "TensorBoard writer", "W&B"


class Facts(NamedTuple):
    """What is known about a script.

    Attributes:
        attached: Names of the attached libraries, for each run.
        code: Exit code, or the negative number of the signal that ends the script.
        status: Status of its runs.
        episodes: Number of episodes, if the script does not print it.
        settings: Names of settings that its runs have.
    """

    attached: tuple[set[str], ...]
    code: int = 0
    status: str = "completed"
    episodes: int | None = None
    settings: tuple[str, ...] = ("env_id",)


def sb3(*algorithms: str, settings: tuple[str, ...] = ("algorithm", "environment_id", "seed")) -> Facts:
    return Facts(tuple({f"Stable-Baselines3 {one}"} for one in algorithms), settings=settings)


CLEANRL = Facts(({ENVIRONMENT, WRITER},), settings=("env_id", "exp_name", "seed", "gamma", "num_envs"))
PLAIN = Facts(({ENVIRONMENT, WRITER},))
FACTS = {
    "cleanrl_dqn": CLEANRL,
    "cleanrl_ppo": CLEANRL,
    "cleanrl_ppo_continuous": CLEANRL,
    "cleanrl_ppo_lstm": CLEANRL,
    "contrib_ars": sb3("ARS"),
    "contrib_maskable_ppo": sb3("MaskablePPO", settings=("algorithm", "environment")),
    "contrib_qrdqn": sb3("QRDQN"),
    "contrib_recurrent_ppo": sb3("RecurrentPPO"),
    "contrib_trpo": sb3("TRPO"),
    "crashes": sb3("PPO")._replace(code=1, status="failed", episodes=30),
    "crashes_plain": PLAIN._replace(code=1, status="failed", episodes=113),
    "forks": PLAIN,
    "killed": PLAIN._replace(code=-signal.SIGKILL, status="crashed"),
    "launcher": sb3("PPO"),
    "parallel_trainings": sb3("PPO", "PPO"),
    "notebook": sb3("PPO"),
    "optuna_study": sb3("PPO", "PPO", "PPO")._replace(
        attached=({"Stable-Baselines3 PPO"}, {STUDY}, {"Stable-Baselines3 PPO"}, {"Stable-Baselines3 PPO"})
    ),
    "os_exit": PLAIN._replace(code=3, status="failed"),
    "plain_both": Facts(({ENVIRONMENT, WRITER, WANDB},), settings=("env_id", "lr", "seed")),
    "plain_environment": Facts(({ENVIRONMENT},)),
    "plain_tensorboard": PLAIN,
    "plain_tensorboardx": PLAIN,
    "plain_wandb": Facts(({ENVIRONMENT, WANDB},), settings=("env_id", "learning_rate", "seed")),
    "sb3_a2c": sb3("A2C"),
    "sb3_dqn": sb3("DQN"),
    "sb3_evaluations": sb3("PPO"),
    "sb3_ppo": sb3("PPO"),
    "sb3_sac": sb3("SAC"),
    "sb3_td3": sb3("TD3"),
    "subprocess_environments": sb3("PPO", settings=("algorithm", "environment", "n_envs")),
    "terminated": PLAIN._replace(code=-signal.SIGTERM, status="preempted"),
    "trl_grpo": Facts(({"TRL GRPOTrainer"},), episodes=0, settings=("algorithm", "model", "num_generations")),
    "two_trainings": sb3("PPO", "A2C"),
    "vector_async": Facts(({ENVIRONMENT, WRITER},), settings=("environment", "num_envs")),
    "vector_made": Facts(({ENVIRONMENT},), settings=("env_id", "num_envs")),
    "zoo_style": sb3("A2C"),
}

NEEDS_TRL = pytest.mark.skipif(find_spec("trl") is None, reason="TRL needs a separate Python environment")
OF_RAY = {"rllib_ppo", "tune_trials"}
"""Scripts that `tests/integrations/ray` runs, in another environment. Ray's output differs at each run."""


def params(*names: str) -> list[object]:
    """Return the scripts as parameters. All tests of a script run in one process, which runs the script once."""
    return [
        pytest.param(name, marks=(pytest.mark.xdist_group(name), *([NEEDS_TRL] if name == "trl_grpo" else ())))
        for name in names
    ]


every_script = pytest.mark.parametrize("name", params(*FACTS))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scripts")


@pytest.fixture
def script(name: str, folder: Path) -> RecordedScript:
    return run_twice(name, folder)


def test_every_script_is_tested() -> None:
    """The table has all scripts in the folder, which know nothing of rlvitals."""
    files = {file.stem: file.read_text(encoding="utf-8") for file in SCRIPTS.glob("*.py")}

    assert set(files) == set(FACTS) | OF_RAY
    assert not [name for name, text in files.items() if "rlvitals" in text]


@every_script
def test_the_output_and_the_exit_code_are_unchanged(name: str, script: RecordedScript) -> None:
    """Only lines of rlvitals on standard error, and frames of its functions in a traceback, are new."""
    assert script.recorded.code == script.plain.code == FACTS[name].code
    assert script.recorded.out == script.plain.out
    assert script.recorded.messages == script.plain.messages


@every_script
def test_each_training_is_one_run(name: str, script: RecordedScript) -> None:
    """It has the status of the training, and every library that the script uses is attached to it."""
    assert [set(one) for one in script.attached] == list(FACTS[name].attached)
    assert [state_of(run, run.header).status for run in script.runs] == [FACTS[name].status] * len(script.runs)


@every_script
def test_episodes_are_those_that_the_script_counted(name: str, script: RecordedScript) -> None:
    """Their number, and the sum of their returns."""
    rewards = [episode.reward for run in script.trainings for episode in run.records("episodes")]
    counted = {"episodes": FACTS[name].episodes, **script.recorded.counted}

    assert len(rewards) == counted["episodes"]
    assert sum(rewards) == pytest.approx(counted.get("returns", sum(rewards)), rel=1e-6)


@every_script
def test_runs_can_be_diagnosed(name: str, script: RecordedScript) -> None:
    """They have the settings that rules need, and enough data for a part of the rules."""
    for run in script.trainings:
        diagnosis = diagnose(evidence_of(run))

        assert set(FACTS[name].settings) <= set(run.header.configuration)
        assert diagnosis.judged


@pytest.mark.parametrize(
    "name", params(*(name for name, one in FACTS.items() if any(WRITER in each for each in one.attached)))
)
def test_scalars_of_event_files_are_recorded(script: RecordedScript) -> None:
    """With the same step and value. The event files are those that the script writes without recording.

    Evaluations have the environment step, whatever the script counts.
    """
    logged = logged_with_tensorboard(script.recorded.folder)
    recorded = {value for run in script.runs for value in recorded_values(run)}

    assert logged == logged_with_tensorboard(script.plain.folder) != []
    assert [one for one in logged if one[1:] not in recorded and not one[0].startswith(EVALUATION)] == []
    assert {one[2] for one in logged if one[0].startswith(EVALUATION)} <= {value for _, value in recorded}


@pytest.mark.parametrize("name", params("plain_both", "plain_wandb"))
def test_rows_of_wandb_are_recorded(script: RecordedScript) -> None:
    """With the same step and value. The offline run is that which the script writes without recording."""
    logged = logged_with_wandb(script.recorded.folder)
    recorded = {value for run in script.runs for value in recorded_values(run)}

    assert logged == logged_with_wandb(script.plain.folder) != []
    assert [one for one in logged if (one[1], single(one[2])) not in recorded] == []


@pytest.mark.parametrize("name", params("plain_both"))
def test_values_that_are_logged_twice_are_recorded_once(script: RecordedScript) -> None:
    """TensorBoard and W&B report the same tags."""
    (run,) = script.runs
    steps = [record.step for record in run.records("scalars") if record.category == "policy"]

    assert len(steps) == len(set(steps)) == script.recorded.counted["episodes"]
    assert len(run.updates) == len(steps)


@pytest.mark.parametrize("name", params("sb3_evaluations"))
def test_evaluations_and_losses_are_those_of_stable_baselines3(script: RecordedScript) -> None:
    """The mean returns in its file, and the values that its own writer logs of each update."""
    (run,) = script.runs
    logged = [one for one in logged_with_tensorboard(script.recorded.folder) if one[0].startswith("train/")]
    recorded = {value for _, value in recorded_values(run)}

    assert [one.reward for one in run.records("evaluations")] == script.recorded.counted["evaluations"]
    assert logged
    assert [one for one in logged if one[2] not in recorded and -one[2] not in recorded] == []
