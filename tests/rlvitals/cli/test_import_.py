"""`rlvitals import`: runs of other programs become runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from rlvitals import open_run
from rlvitals.formats.importers import importer_names
from rlvitals.formats.importers.run_import import trainings_in

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
    """In the folder of runs, under the folder's name."""
    result = invoke("import", sb3.name)

    assert [each.reward for each in open_run(logs / "cartpole").records("episodes")] == [1.5]
    assert result.stdout == "logs/cartpole  1 episode\n"


def test_it_may_be_named_and_put_elsewhere(sb3: Path, invoke_json: Callable[..., Any]) -> None:
    """As JSON, it says what it made."""
    (made,) = invoke_json("import", sb3, "--name", "mine", "--folder", "other", "--format", "sb3")["runs"]

    assert (made["run_id"], made["records"]["episodes"]) == ("mine", 1)
    assert made["path"].endswith("/other/mine")


def test_one_that_is_damaged_does_not_hinder_the_others(sb3: Path, logs: Path, invoke: Invoke) -> None:
    """The exit code is 2, and the reason one line."""
    bad = sb3.parent / "bad.jsonl"
    bad.write_text('{"episode": 1, "reward": 1, "length": ')
    result = invoke("import", bad, sb3)

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "bad.jsonl, line 1 is damaged" in result.stderr
    assert [each.name for each in logs.iterdir()] == ["cartpole"]


@pytest.fixture
def zoo(logs: Path) -> Path:
    """The log folder of an RL Zoo: two seeds of one algorithm and one of another, evaluated, with a model beside."""
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


def test_a_folder_of_trainings_becomes_a_run_each(zoo: Path, logs: Path, invoke: Invoke) -> None:
    """A line each, named by the way from the folder; the folder of the algorithm is one of trainings too."""
    names = [line.split("  ")[0] for line in invoke("import", zoo).stdout.splitlines()]

    assert names == ["logs/dqn-CartPole-v1_1", "logs/ppo-CartPole-v1_1", "logs/ppo-CartPole-v1_2"]
    assert [line.split("  ")[0] for line in invoke("import", zoo / "ppo", zoo / "dqn").stdout.splitlines()] == [
        "logs/CartPole-v1_1",
        "logs/CartPole-v1_2",
        "logs/CartPole-v1_1-2",
    ]
    assert [each.reward for each in open_run(logs / "ppo-CartPole-v1_2").records("evaluations")] == [1.0]


def test_a_damaged_training_in_a_folder_does_not_hinder_the_others(zoo: Path, logs: Path, invoke: Invoke) -> None:
    """It is named, and the exit code says that something is missing."""
    (zoo / "ppo" / "CartPole-v1_1" / "0.monitor.csv").write_text(MONITOR + 20 * "x,y,z\n")
    result = invoke("import", zoo)

    assert result.exit_code == 2
    assert "ppo/CartPole-v1_1/0.monitor.csv" in result.stderr
    assert sorted(run.name for run in logs.iterdir()) == ["dqn-CartPole-v1_1", "ppo-CartPole-v1_2"]


def test_runs_of_ours_in_a_folder_are_skipped(zoo: Path, logs: Path, invoke: Invoke) -> None:
    """The folder may be the folder of runs itself, and is imported again."""
    zoo.rename(logs)
    invoke("import", logs)

    assert len(invoke("import", logs).stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("files", "runs"),
    [
        (["train/events.out.tfevents.1", "eval/events.out.tfevents.2"], ["."]),
        (["checkpoint-1/trainer_state.json", "checkpoint-2/trainer_state.json"], ["."]),
        (["a/events.out.tfevents.1", "b/events.out.tfevents.2"], ["a", "b"]),
        (["monitor.csv", "eval/evaluations.npz"], ["."]),
        (["x/monitor.csv"], ["x"]),
        (["a.jsonl", "b.jsonl"], ["a.jsonl", "b.jsonl"]),
        (["notes.txt"], ["."]),
    ],
    ids=",".join,
)
def test_what_is_one_training_is_told_from_a_folder_of_them(tmp_path: Path, files: list[str], runs: list[str]) -> None:
    """Files of its own, or parts that are named as such, make a folder one training."""
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        states = '{"log_history": [{"loss": 1.0, "step": 1}], "global_step": 1}'
        contents = {".jsonl": '{"episode": 1, "reward": 1, "length": 1}\n', ".json": states}
        (tmp_path / name).write_text(contents.get(Path(name).suffix, MONITOR))

    assert [str(found.relative_to(tmp_path)) for found in trainings_in(tmp_path)] == runs


def test_what_an_import_left_out_is_a_warning(sb3: Path, invoke: Invoke, invoke_json: Any) -> None:
    """On standard error and in JSON; the run is there, so the exit code is 0."""
    (sb3 / "monitor.csv").write_text(MONITOR + "2.5,")
    result = invoke("import", sb3)
    (made,) = invoke_json("import", sb3)["runs"]

    assert result.exit_code == 0
    assert "warning: cartpole/monitor.csv, line 4 ('2.5,') is damaged" in result.stderr.replace(f"{sb3.parent}/", "")
    assert len(made["warnings"]) == 1


def test_one_name_is_for_one_run(sb3: Path, invoke: Invoke) -> None:
    """Two paths are two runs."""
    assert "names one run" in invoke("import", sb3, sb3, "--name", "mine").stderr


def test_the_formats_are_listed(invoke: Invoke) -> None:
    """Without a path."""
    assert invoke("import", "--formats").stdout.split() == importer_names()
