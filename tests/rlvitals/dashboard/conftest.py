"""Fixtures with recorded runs and a dashboard server in this process."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from rlvitals import TrainingMonitor
from rlvitals.dashboard.server import serving
from rlvitals.dashboard.watched_run import WatchedRun

Monitor = Callable[..., TrainingMonitor]


def episodes(training: TrainingMonitor, count: int, start: int = 0, **more: object) -> None:
    """Log `count` episodes; the reward of each is its number."""
    for number in range(start, start + count):
        training.log_episode(
            number,
            float(number),
            5,
            env_step=5 * (number + 1),
            time=training.session.start_time + number,
            category=("text", "simple")[number % 2],
            success=number % 2 == 0,
            parameters={"speckle": number % 4, "mode": ("a", "b")[number % 2]},
            **more,  # type: ignore[arg-type]
        )


@pytest.fixture
def finished(monitor: Monitor) -> Path:
    """A run with a hundred episodes, ten updates, evaluations, and one NaN reward."""
    with monitor("finished", configuration={"gamma": 0.99, "net": {"width": 64}}) as training:
        episodes(training, 100)
        training.log_episode(100, math.nan, 5, env_step=505, time=training.session.start_time + 100)
        for step in range(10):
            training.log_training_step(
                50 * step, 0.1, 0.2, 1.0, env_step=50 * step, time=training.session.start_time + step
            )
        training.log_evaluation(50, 1.0, 0.5, 0.5, items={"a": {"reward": 1.0}, "b": {"reward": 2.0}})
        training.log_evaluation(50, 0.0, 0.4, 0.1, policy="default", items={"a": {"reward": 0.0}, "b": {"reward": 1.0}})
        training.log_note("a note")
    return training.path


@pytest.fixture
def watched(finished: Path) -> WatchedRun:
    """The finished run, opened and read."""
    run = WatchedRun("finished", finished)
    run.refresh()
    return run


@pytest.fixture
def ask(logs: Path) -> Iterator[httpx.Client]:
    """HTTP client of a dashboard server for the folder of runs."""
    with serving(logs) as address, httpx.Client(base_url=address, timeout=30.0) as client:
        yield client
