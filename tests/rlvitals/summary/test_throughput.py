"""Tests that all sources report the same steps, progress and speed of a run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import TrainingMonitor
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.dashboard.run_header import run_header
from rlvitals.dashboard.run_row import RowTracker
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.diagnosis import diagnose, evidence_of
from rlvitals.runs import Run
from rlvitals.summary.overview import Overview, overview_of
from rlvitals.summary.run_list import overviews_in
from rlvitals.summary.run_summary import summarise
from rlvitals.summary.vital_signs import Observer

Monitor = Callable[..., TrainingMonitor]


@pytest.fixture
def path(monitor: Monitor) -> Path:
    """A run whose last update is beyond its last episode and its goal, after a long set-up."""
    with monitor(total_timesteps=2_000) as training:
        begun = training.session.start_time + 50.0
        for number in range(18):
            training.log_episode(number, 1.0, 100, env_step=100 * (number + 1), time=begun + 10 * number)
        training.log_training_step(2_048, 0.1, 0.2, 1.0, time=begun + 180)
    return training.path


def faces(path: Path) -> dict[str, Overview]:
    run = Run(path)
    glance, watched = RowTracker("run", run, SYSTEM_CLOCK), WatchedRun("run", path)
    glance.read()
    watched.refresh()
    return {
        "folder": overview_of(run),
        "summary": summarise(run).overview,
        "watch": Observer(run).observe().overview,
        "list": glance.row().overview,
        "page": run_header(watched, None).overview,
    }


def test_all_sources_report_the_same_step(path: Path) -> None:
    """All sources report the furthest step of all streams, which is that of the last update."""
    said = {name: face.env_step for name, face in faces(path).items()}
    said["ls"] = overviews_in(path.parent)[0][0].env_step
    said["check"] = diagnose(evidence_of(Run(path))).env_step

    assert set(said.values()) == {2_048}, said


def test_all_sources_report_the_same_progress(path: Path) -> None:
    """All sources report a progress of at most 100 %."""

    assert {name: face.progress for name, face in faces(path).items() if face.progress != 1.0} == {}


def test_all_sources_report_the_same_speed(path: Path) -> None:
    """All sources report the same speed, over the whole run (180 s) and over the last minute."""
    found = faces(path)
    expected = pytest.approx((1_948 / 180, (2_048 - 1_300) / 60))

    assert all((face.steps_per_second, face.recent_steps_per_second) == expected for face in found.values())


def test_a_step_reported_between_two_records_counts(monitor: Monitor) -> None:
    """A step reported between two records counts, because a training can end during an episode."""
    with monitor() as training:
        training.log_episode(0, 1.0, 100, env_step=100)
        training.advance(150)
    said = {name: face.env_step for name, face in faces(training.path).items()}
    said["ls"] = overviews_in(training.path.parent)[0][0].env_step

    assert set(said.values()) == {150}, said


def test_a_window_has_the_speed_of_the_window(monitor: Monitor) -> None:
    """A window has the speed of the window, and the recent speed is that of the run."""
    with monitor() as training:
        times = [0.0, 100.0, 200.0, 250.0, 300.0]
        for number, time in enumerate(times):
            training.log_episode(number, 1.0, 1, env_step=100 * number, time=training.session.start_time + time)
    found = summarise(Run(training.path), window=3).speed

    assert (found.steps_per_second, found.recent_steps_per_second) == (2.0, 2.0)
    assert summarise(Run(training.path)).speed.steps_per_second == pytest.approx(400 / 300)
