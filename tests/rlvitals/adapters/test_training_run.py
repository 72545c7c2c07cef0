"""The run of a callback."""

from pathlib import Path
from typing import Any

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.adapters.training_run import RunHolder, TrainingRun
from rlvitals.errors import RlvitalsError


class Callback(RunHolder):
    """Callback of a loop."""

    def __init__(self, monitor: TrainingMonitor | None = None, **options: Any) -> None:
        self._run = TrainingRun(self, options.pop("log_dir", None), monitor, options, loop="loop()")

    def train(self, *, step: int = 0, goal: int | None = None, **facts: Any) -> TrainingMonitor:
        monitor = self._run.begin(self, goal, step=step, facts=facts)
        self._run.take_place(step, goal, facts)
        self._run.end_watch()
        self._run.end()
        return monitor


def test_a_monitor_and_options_exclude_each_other(monitor: TrainingMonitor, tmp_path: Path) -> None:
    for options in ({"log_dir": tmp_path}, {"session_name": "x"}):
        with pytest.raises(ValueError, match="got both a monitor and a log_dir or options"):
            Callback(monitor, **options)


def test_there_is_no_monitor_before_a_training(tmp_path: Path) -> None:
    """The error names the loop that creates it."""
    with pytest.raises(RlvitalsError, match=r"there is no monitor yet, because loop\(\) creates it"):
        _ = Callback(log_dir=tmp_path).monitor


def test_the_configuration_of_the_user_takes_precedence(tmp_path: Path, settings: RecorderSettings) -> None:
    callback = Callback(log_dir=tmp_path, configuration={"seed": "mine"}, settings=settings)
    callback.train(seed=1, rate=0.1)

    assert callback.monitor.session.configuration == {"seed": "mine", "rate": 0.1}


def test_a_training_has_its_own_goal(monitor: TrainingMonitor) -> None:
    """The goal of a later training replaces that of an earlier one, but not that of the user."""
    callback = Callback(monitor)
    goals = []
    for goal in (10, 20):
        callback.train(goal=goal)
        goals.append(monitor.total_timesteps)
    monitor.set_goals(total_timesteps=99)
    callback.train(goal=30)

    assert (goals, monitor.total_timesteps) == ([10, 20], 99)


def test_a_run_is_open_until_its_end(monitor: TrainingMonitor, tmp_path: Path, settings: RecorderSettings) -> None:
    """A paused run accepts records."""
    own = Callback(log_dir=tmp_path, settings=settings)
    before = own._run.is_open
    own.train()
    monitor.pause()

    assert (before, own._run.is_open, Callback(monitor)._run.is_open) == (False, False, True)
