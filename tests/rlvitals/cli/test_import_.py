"""Tests of `rlvitals import`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from rlvitals import open_run
from rlvitals.formats.importers import importer_names

Invoke = Callable[..., Result]

MONITOR = '#{"t_start": 1000.0}\nr,l,t\n1.5,10,1.0\n'


@pytest.fixture
def sb3(logs: Path) -> Path:
    """A log folder of Stable-Baselines3."""
    folder = logs.parent / "cartpole"
    folder.mkdir()
    (folder / "monitor.csv").write_text(MONITOR)
    return folder


def test_a_folder_becomes_a_run(sb3: Path, logs: Path, invoke: Invoke) -> None:
    """The run is created in the folder of runs under the name of the log folder."""
    result = invoke("import", sb3.name)

    assert [each.reward for each in open_run(logs / "cartpole").records("episodes")] == [1.5]
    assert result.stdout == "logs/cartpole  1 episode\n"


def test_a_run_can_be_named_and_stored_in_another_folder(sb3: Path, invoke_json: Callable[..., Any]) -> None:
    """The JSON lists the created run."""
    (made,) = invoke_json("import", sb3, "--name", "mine", "--folder", "other", "--format", "sb3")["runs"]

    assert (made["run_id"], made["records"]["episodes"]) == ("mine", 1)
    assert made["path"].endswith("/other/mine")


def test_a_damaged_file_does_not_stop_the_import_of_others(sb3: Path, logs: Path, invoke: Invoke) -> None:
    """The exit code is 2, and the reason is one line."""
    bad = sb3.parent / "bad.jsonl"
    bad.write_text('{"episode": 1, "reward": 1, "length": ')
    result = invoke("import", bad, sb3)

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "bad.jsonl, line 1 is damaged" in result.stderr
    assert [each.name for each in logs.iterdir()] == ["cartpole"]


@pytest.fixture
def zoo(logs: Path) -> Path:
    """A log folder of RL Zoo with two seeds of one algorithm and one of another, evaluations and models."""
    folder = logs.parent / "zoo"
    for place in ("ppo/CartPole-v1_1", "ppo/CartPole-v1_2", "dqn/CartPole-v1_1"):
        run = folder / place
        (run / "CartPole-v1").mkdir(parents=True)
        (run / "CartPole-v1" / "config.yml").write_text("a: 1")
        (run / "0.monitor.csv").write_text(MONITOR)
        (run / "best_model.zip").write_bytes(b"PK")
        (run / "vecnormalize.pkl").write_bytes(b"pickle")
        np.savez(run / "evaluations.npz", timesteps=[10], results=[[1.0]], ep_lengths=[[10]])
    return folder


def test_each_training_in_a_folder_becomes_a_run(zoo: Path, logs: Path, invoke: Invoke) -> None:
    """Runs are named by their path from the given folder."""
    names = [line.split("  ")[0] for line in invoke("import", zoo).stdout.splitlines()[:-1]]

    assert names == ["logs/dqn-CartPole-v1_1", "logs/ppo-CartPole-v1_1", "logs/ppo-CartPole-v1_2"]
    assert [each.reward for each in open_run(logs / "ppo-CartPole-v1_2").records("evaluations")] == [1.0]


def test_a_name_in_use_gets_a_number(zoo: Path, invoke: Invoke) -> None:
    """Trainings in different folders can have the same relative path."""
    names = [line.split("  ")[0] for line in invoke("import", zoo / "ppo", zoo / "dqn").stdout.splitlines()[:-1]]

    assert names == ["logs/CartPole-v1_1", "logs/CartPole-v1_2", "logs/CartPole-v1_1-2"]


def test_an_unchanged_training_is_not_imported_again(zoo: Path, logs: Path, invoke: Invoke, invoke_json: Any) -> None:
    """This applies to every path that leads to it. The exit code is 0."""
    invoke("import", zoo)
    again = invoke("import", zoo / "ppo")

    assert again.exit_code == 0
    assert again.stdout.splitlines()[:-1] == [f"logs/ppo-CartPole-v1_{seed}  already imported" for seed in (1, 2)]
    assert [run["outcome"] for run in invoke_json("import", zoo)["runs"]] == ["unchanged"] * 3
    assert len(list(logs.iterdir())) == 3


def test_a_training_that_has_grown_replaces_its_run(sb3: Path, invoke: Invoke, invoke_json: Any) -> None:
    """The run keeps its name."""
    invoke("import", sb3)
    (sb3 / "monitor.csv").write_text(MONITOR + "2.5,10,2.0\n")

    assert invoke("import", sb3).stdout == "logs/cartpole  2 episodes (updated)\n"
    assert [run["outcome"] for run in invoke_json("import", sb3, "--again")["runs"]] == ["unchanged"]


def test_a_damaged_training_in_a_folder_does_not_stop_the_import(zoo: Path, logs: Path, invoke: Invoke) -> None:
    """The error names the file, and the exit code is 2."""
    (zoo / "ppo" / "CartPole-v1_1" / "0.monitor.csv").write_text(MONITOR + 20 * "x,y,z\n")
    result = invoke("import", zoo)

    assert result.exit_code == 2
    assert "ppo/CartPole-v1_1/0.monitor.csv" in result.stderr
    assert sorted(run.name for run in logs.iterdir()) == ["dqn-CartPole-v1_1", "ppo-CartPole-v1_2"]


def test_the_last_line_counts_the_outcomes_of_several_trainings(zoo: Path, invoke: Invoke) -> None:
    """Trainings that failed are named again. A single training has no summary."""
    invoke("import", zoo / "dqn" / "CartPole-v1_1")
    (zoo / "ppo" / "CartPole-v1_1" / "0.monitor.csv").write_text(MONITOR + 20 * "x,y,z\n")

    failed = f"1 failed: {zoo / 'ppo' / 'CartPole-v1_1'}"
    assert invoke("import", zoo).stdout.splitlines()[-1] == f"1 imported, 1 already imported, {failed}"
    assert len(invoke("import", zoo / "dqn").stdout.splitlines()) == 1


def test_rlvitals_runs_in_a_folder_are_skipped(zoo: Path, logs: Path, invoke: Invoke) -> None:
    """The folder can be the folder of runs itself and can be imported repeatedly."""
    zoo.rename(logs)
    invoke("import", logs)

    assert invoke("import", logs).stdout.splitlines()[-1] == "3 already imported"


def test_skipped_data_is_reported_as_a_warning(sb3: Path, invoke: Invoke, invoke_json: Any) -> None:
    """The warning is on standard error and in JSON, and the exit code is 0."""
    (sb3 / "monitor.csv").write_text(MONITOR + "2.5,")
    result = invoke("import", sb3)
    (made,) = invoke_json("import", sb3)["runs"]  # a repeated import reports them, too

    assert result.exit_code == 0
    assert "warning: cartpole/monitor.csv, line 4 ('2.5,') is damaged" in result.stderr.replace(f"{sb3.parent}/", "")
    assert len(made["warnings"]) == 1


def test_an_empty_folder_has_nothing_to_import(tmp_path: Path, invoke: Invoke) -> None:
    """Advice about formats would not help."""
    result = invoke("import", tmp_path)

    assert (result.exit_code, "--format" in result.stderr) == (2, False)
    assert "is an empty folder: there is nothing to import" in result.stderr


def test_columns_of_a_plain_table_can_be_named(logs: Path, invoke: Invoke) -> None:
    """The option names the column of each field."""
    (logs.parent / "log.csv").write_text("timesteps,ret,len\n10,1.5,10\n")
    result = invoke("import", "log.csv", "--columns", "step=timesteps, reward=ret,length=len")

    assert result.stdout == "logs/log  1 episode, 1 event\n"  # a warning: there is no column of times
    assert [episode.env_step for episode in open_run(logs / "log").records("episodes")] == [10]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--columns", "step"], "--columns has 'step'; expected FIELD=COLUMN"),
        (["--columns", "step=t", "--format", "sb3"], "--columns cannot be used with --format sb3"),
    ],
)
def test_wrong_columns_are_refused(sb3: Path, invoke: Invoke, options: list[str], reason: str) -> None:
    assert reason in invoke("import", sb3, *options).stderr


def test_a_name_is_refused_for_several_runs(sb3: Path, invoke: Invoke) -> None:
    """`--name` with two paths is an error."""
    assert "names one run" in invoke("import", sb3, sb3, "--name", "mine").stderr


def test_the_formats_are_listed(invoke: Invoke) -> None:
    """`--formats` needs no path."""
    assert invoke("import", "--formats").stdout.split() == importer_names()
