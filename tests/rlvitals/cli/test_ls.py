"""Tests of `rlvitals ls`."""

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.testing.manual_clock import ManualClock

Invoke = Callable[..., Result]
Monitor = Callable[..., TrainingMonitor]


def test_runs_are_listed_newest_first(invoke: Invoke, monitor: Monitor) -> None:
    """Runs are sorted by their start, not by name."""
    for name, started in (("b", 300.0), ("c", 100.0), ("a", 200.0)):
        monitor(name, clock=ManualClock(started)).close()
    lines = invoke("ls").stdout.splitlines()

    assert [line.split()[0] for line in lines] == ["run", "b", "a", "c"]


def test_each_run_is_a_line_with_its_vital_signs(invoke: Invoke, monitor: Monitor) -> None:
    """The line shows status, episodes, step, reward, success, last update and duration."""
    clock = ManualClock()
    with monitor(clock=clock) as training:
        for number in range(120):
            training.log_episode(number, 0.5, 1, env_step=10 * number, success=number % 4 == 0)
        clock.advance(75.0)

    assert invoke("ls").stdout.splitlines()[1].split()[:7] == ["run", "completed", "120", "1,190", "0.5", "25", "%"]
    assert invoke("ls").stdout.rstrip().endswith("1m 15s")


def test_reward_and_success_are_over_the_last_hundred_episodes(
    invoke_json: Callable[..., Any], monitor: Monitor
) -> None:
    """Earlier episodes do not count."""
    with monitor() as training:
        for number in range(150):
            training.log_episode(number, number, 1, success=None if number % 2 else number >= 100)
    (run,) = invoke_json("ls")["runs"]

    levels = run["levels"]
    assert (run["episodes"], levels["reward"]["mean"], levels["success"]["mean"]) == (150, 99.5, 0.5)


def test_non_finite_rewards_are_counted(invoke: Invoke, invoke_json: Callable[..., Any], monitor: Monitor) -> None:
    """The mean ignores them, and the cell reports their number."""
    with monitor() as training:
        for number in range(20):
            training.log_episode(number, math.nan if number == 10 else 1.0, 1)

    assert " 1 (1 non-finite) " in invoke("ls").stdout
    level = invoke_json("ls")["runs"][0]["levels"]["reward"]
    assert (level["mean"], level["not_finite"], level["window"]) == (1.0, 1, 20)


def test_a_live_run_is_counted_to_its_last_record(invoke_json: Callable[..., Any], monitor: Monitor) -> None:
    """The counts include records written after the header."""
    with monitor() as training:
        for number in range(7):
            training.log_episode(number, 0.0, 1, env_step=number)
        (run,) = invoke_json("ls")["runs"]

    assert (run["status"], run["episodes"], run["env_step"]) == ("running", 7, 6)


def test_paused_and_crashed_runs_are_distinguished(
    invoke_json: Callable[..., Any], monitor: Monitor, logs: Path
) -> None:
    """A run that was never closed and has no heartbeat has crashed."""
    with monitor("paused") as training:
        training.pause()
        shutil.copytree(training.path, logs / "crashed")
        (logs / "crashed" / "writer.lock").unlink()
        found = {Path(run["path"]).name: run["status"] for run in invoke_json("ls")["runs"]}

    assert found == {"paused": "paused", "crashed": "crashed"}


def test_a_folder_that_cannot_be_opened_is_listed_with_the_reason(
    invoke: Invoke, invoke_json: Callable[..., Any], monitor: Monitor, logs: Path
) -> None:
    """The remaining runs are listed, and the exit code is 0."""
    monitor("good").close()
    (logs / "bad").mkdir()
    (logs / "bad" / "run.json").write_text("{")
    result = invoke("ls")

    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["run", "good", "not"]
    assert "not opened: logs/bad/run.json is damaged" in result.stdout
    assert invoke_json("ls")["refused"][0]["path"] == "logs/bad"


def test_a_run_with_damaged_records_is_listed_with_the_reason(invoke: Invoke, monitor: Monitor) -> None:
    """The damage is found when the records are read."""
    training = monitor()
    training.log_episode(0, 1.0, 1)
    training.close()
    (training.path / "episodes" / "000001.jsonl").unlink()
    (training.path / "episodes" / "000001.parquet").write_bytes(b"nonsense")
    result = invoke("ls")

    assert result.exit_code == 0
    assert result.stdout.startswith("not opened: logs/run cannot be read: ")


def test_runs_in_subfolders_are_listed_by_relative_path(invoke: Invoke, monitor: Monitor, logs: Path) -> None:
    """Other commands accept the same path."""
    monitor("run").close()
    logs.rename(logs.parent / "inner")
    (logs / "ppo").mkdir(parents=True)
    (logs.parent / "inner").rename(logs / "ppo" / "logos")

    assert invoke("ls").stdout.splitlines()[1].startswith("ppo/logos/run ")
    assert invoke("show", "ppo/logos/run").exit_code == 0


def test_an_empty_folder_reports_how_to_record_a_run(invoke: Invoke, tmp_path: Path) -> None:
    """The exit code is 0."""
    result = invoke("ls", tmp_path)

    advice = "Record one with `rlvitals run -- python train.py` or rlvitals.TrainingMonitor, or name another folder."
    assert (result.exit_code, result.stdout) == (0, f"No runs in {tmp_path}. {advice}\n")


@pytest.mark.parametrize(
    ("name", "said"), [("nothing", "folder nothing does not exist; check the path"), ("file", "file is a file, not")]
)
def test_a_path_that_is_not_a_folder_is_refused(invoke: Invoke, logs: Path, name: str, said: str) -> None:
    """The error is one line, and the exit code is 2."""
    (logs.parent / "file").touch()
    result = invoke("ls", name)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"rlvitals: {said}")


def test_generated_names_fit_eighty_columns(invoke: Invoke, monitor: Monitor) -> None:
    """Names are not folded next to a million episodes and steps, and no line is too long."""
    training = monitor(None)
    training.log_episode(0, -123.456, 1, env_step=1_234_567, success=True)
    training.close()
    shown = invoke("ls", columns=80).stdout

    assert f"{training.session_id} " in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown


def test_an_incomplete_copy_of_a_run_is_reported(invoke: Invoke, monitor: Monitor) -> None:
    """A run folder without a header is listed as not opened."""
    with monitor("half") as training:
        training.log_episode(0, 1.0, 1)
    (training.path / "run.json").unlink()
    result = invoke("ls", "logs")

    assert result.exit_code == 0
    assert "not opened: logs/half has the folders of a run, but no run.json" in result.stdout


@pytest.mark.parametrize("success", [True, None])
def test_sealed_runs_have_the_same_values_as_open_runs(
    invoke_json: Callable[..., Any], monitor: Monitor, *, success: bool | None
) -> None:
    """Values agree for short runs, for runs with several segments, and next to a damaged run."""
    sealing = RecorderSettings(system_interval_s=None, seal_on_close=1, seal_records=150, close_s=60.0)
    for name, count in (("long", 140), ("short", 30), ("two", 170), ("damaged", 140)):
        for prefix, settings in (("open-", None), ("sealed-", sealing)):
            with monitor(prefix + name, **({"settings": settings} if settings else {})) as training:
                for number in range(count):
                    training.log_episode(number, 0.1 * number, 1, success=success and number % 3 == 0)
    (damaged,) = (training.path / "episodes").glob("*.parquet")
    assert name == "damaged"
    whole = {run["run_id"]: run for run in invoke_json("ls")["runs"]}
    damaged.write_bytes(damaged.read_bytes()[:-20])
    beside = {run["run_id"]: run for run in invoke_json("ls")["runs"]}

    assert beside.keys() == whole.keys() - {"sealed-damaged"}
    for name in ("long", "short", "two"):
        for runs in (whole, beside):
            for said in ("levels", "episodes"):
                assert runs[f"sealed-{name}"][said] == runs[f"open-{name}"][said]


@pytest.mark.parametrize("place", ["run.json", "writer.lock", "episodes/000001.jsonl", "episodes/000002.parquet"])
def test_a_named_pipe_in_a_run_does_not_block(
    invoke_json: Callable[..., Any], monitor: Monitor, logs: Path, place: str
) -> None:
    """The other runs are listed, and only a pipe in place of the header makes a run unreadable."""
    monitor("good").close()
    monitor("odd").close()
    (logs / "odd" / place).unlink(missing_ok=True)
    os.mkfifo(logs / "odd" / place)
    listed = invoke_json("ls")

    assert "good" in [run["run_id"] for run in listed["runs"]]
    assert [one["reason"].partition(":")[0] for one in listed["refused"]] == (
        ["logs/odd/run.json cannot be read"] if place == "run.json" else []
    )
