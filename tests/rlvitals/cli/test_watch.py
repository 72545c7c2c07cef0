"""Tests of `rlvitals watch`."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch.utils.tensorboard import SummaryWriter
from typer.testing import Result

from rlvitals import TrainingMonitor
from rlvitals.cli.watch import observed
from rlvitals.errors import RunError
from rlvitals.reader import open_run
from rlvitals.summary.vital_signs import Observer, Vitals
from rlvitals.testing.manual_clock import ManualClock

Invoke = Callable[..., Result]
InvokeJson = Callable[..., Any]
Monitor = Callable[..., TrainingMonitor]


def trained(training: TrainingMonitor, first: int = 0, until: int = 40) -> None:
    """Log a part of the training of a learning agent."""
    for at in range(first, until):
        training.log_training_step(at, 0.1, 0.5, 1.0, kl_divergence=0.01, env_step=100 * at)
        training.log_episode(at, 0.1 * at, 100, None, None, None, env_step=100 * at, success=at % 2 == 0)


def test_a_finished_run_is_shown_once(invoke: Invoke, monitor: Monitor) -> None:
    """The output has the verdict, the levels, the metrics with their healthy ranges, and the last events."""
    with monitor(total_timesteps=7_800) as training:
        trained(training)
    result = invoke("watch", "run", columns=100)

    assert result.exit_code == 0
    assert result.stdout.startswith("run  completed  health ")
    for words in ("3,900 of 7,800 steps (50 %)", "Reward", "KL divergence", "0 to 0.1", "completed"):
        assert words in result.stdout


def test_once_shows_a_live_run_once(invoke: Invoke, monitor: Monitor) -> None:
    """`--once` also works in a pipe."""
    training = monitor()
    trained(training)

    assert invoke("watch", "run", "--once").stdout.startswith("run  running  health ")


def test_json_is_one_observation(invoke_json: InvokeJson, monitor: Monitor) -> None:
    """Its values agree with `rlvitals stats` and `rlvitals check`."""
    with monitor() as training:
        trained(training)
    found, checked = invoke_json("watch", "run"), invoke_json("check", "run")
    counted = invoke_json("stats", "run")

    assert (found["run_id"], found["health"]["score"]) == ("run", checked["health_score"])
    assert (found["episodes"], found["env_step"]) == (counted["episodes"], counted["env_step"])
    assert found["levels"]["reward"]["mean"] == pytest.approx(counted["measures"]["reward"]["recent"]["estimate"])
    assert found["levels"]["success"]["low"] == counted["success"]["recent"]["low"]


def test_records_between_two_observations_are_in_the_next(monitor: Monitor) -> None:
    """The last observation includes the end of the run."""
    training = monitor()
    trained(training, until=20)
    clock = ManualClock(training.now())
    observer = Observer(open_run(training.path), clock)

    def wait(_: Vitals) -> None:
        clock.advance(10.0)
        trained(training, 20)
        training.close()

    found = list(observed(observer, observer.observe(), wait))

    assert [vitals.overview.episodes for vitals in found] == [20, 40]
    assert [vitals.is_open for vitals in found] == [True, False]


def test_a_removed_folder_is_reported(monitor: Monitor) -> None:
    """The last known values stay, and a folder that never existed is refused."""
    with monitor() as training:
        trained(training)
    observer = Observer(open_run(training.path))
    known = observer.observe()
    shutil.rmtree(training.path)
    after = observer.observe()

    assert (after.overview.episodes, known.read_error) == (known.overview.episodes, "")
    assert "no run at" in after.read_error
    with pytest.raises(RunError):
        Observer(observer.run).observe()


def test_a_folder_of_event_files_is_shown(invoke: Invoke, tmp_path: Path) -> None:
    """It is not a run, and nothing is written into it."""
    folder = tmp_path / "runs" / "a"
    with SummaryWriter(folder) as writer:
        for step in range(1, 30):
            writer.add_scalar("losses/policy_loss", -0.5, step)
            writer.add_scalar("charts/episodic_return", float(step), step)
            writer.add_scalar("charts/episodic_length", 7, step)
    result = invoke("watch", str(folder), "--once")

    assert "28 episodes" in result.stdout
    assert len(list(folder.iterdir())) == 1


def write_event(folder: Path) -> None:
    with SummaryWriter(folder) as writer:
        writer.add_scalar("losses/policy_loss", -0.5, 1)


def test_a_folder_of_several_trainings_is_refused_with_their_names(invoke: Invoke, logs: Path) -> None:
    """One of them can be watched, and all of them are in the dashboard."""
    for name in ("a", "b"):
        write_event(logs.parent / "runs" / name)
    result = invoke("watch", "runs", "--once")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "runs contains 2 trainings: runs/a and runs/b. Name one of them (`rlvitals watch runs/a`)" in result.stderr
    assert "`rlvitals ui runs`" in result.stderr


@pytest.mark.parametrize(("places", "shown"), [(["deep/a"], "a"), (["", "b"], "runs"), (["train", "eval"], "runs")])
def test_one_training_at_or_below_a_folder_is_shown(invoke: Invoke, logs: Path, places: list[str], shown: str) -> None:
    """This is the training of the folder itself, also in its parts, or the only one below it."""
    for place in places:
        write_event(logs.parent / "runs" / place)

    assert invoke("watch", "runs", "--once").stdout.split()[0] == shown
