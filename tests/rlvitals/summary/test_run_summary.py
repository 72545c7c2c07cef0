"""Tests of the summary of a run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.runs import Run
from rlvitals.summary.run_summary import summarise

Made = Callable[[Callable[[TrainingMonitor], None]], Run]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A run whose records are logged by a function."""

    def make(log: Callable[[TrainingMonitor], None]) -> Run:
        with TrainingMonitor(
            tmp_path, session_name="run", settings=RecorderSettings(system_interval_s=None)
        ) as monitor:
            log(monitor)
        return monitor.run

    return make


def test_a_clock_that_runs_backwards_is_not_an_error(made: Made) -> None:
    """With a clock that runs backwards, there is no speed, and averages over time treat time as standing still."""

    def log(monitor: TrainingMonitor) -> None:
        for number in range(20):
            monitor.log_episode(number, 3.0, 5, time=1_000.0 - number)

    found = summarise(made(log))

    assert found.measures["reward"].averages.by_time == pytest.approx(3.0)
    assert found.speed.episodes_per_minute is None


def test_the_furthest_step_is_exact(made: Made) -> None:
    """The furthest step is exact beyond the integers that a float can hold."""

    def log(monitor: TrainingMonitor) -> None:
        monitor.log_episode(0, 1.0, 5, env_step=2**60 + 1)
        monitor.log_training_step(0, 1.0, 1.0, 1.0, env_step=2**60)

    assert summarise(made(log)).overview.env_step == 2**60 + 1


def test_a_window_applies_to_the_parameters(made: Made) -> None:
    """Parameters explored before the window are not part of the summary."""

    def log(monitor: TrainingMonitor) -> None:
        for number in range(40):
            monitor.log_episode(number, number % 3, 5, parameters={"late" if number >= 20 else "early": number})

    run = made(log)
    whole, end, last = (summarise(run, window=window, exploration=True).exploration for window in (None, 20, 5))

    assert whole is not None
    assert end is not None
    assert last is not None
    assert whole["combinations"]["rows"] == 40
    assert ([entry["name"] for entry in end["ranges"]], end["combinations"]["rows"]) == (["late"], 20)
    assert last["combinations"]["rows"] == 5
