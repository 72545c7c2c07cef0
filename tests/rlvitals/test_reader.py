"""The reading half of the public interface, for live and finished runs."""

import json
import math
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlvitals import RecorderSettings, RunReader, TrainingMonitor, open_run, open_runs
from rlvitals.documents.document import foot
from rlvitals.errors import RunNotFoundError
from rlvitals.testing.manual_clock import ManualClock

Monitor = Callable[..., TrainingMonitor]
Reading = Callable[[Any], dict[str, Any]]

READINGS: dict[str, Reading] = {
    "statistics": lambda reader: reader.get_training_statistics(),
    "convergence": lambda reader: reader.get_convergence_analysis(),
    "validation": lambda reader: reader.validate_metrics(),
    "dashboard": lambda reader: reader.create_dashboard_data(),
}


def trained(training: TrainingMonitor, episodes: int = 40, *, first: int = 0) -> None:
    """Log improving episodes of two types, and updates."""
    for number in range(first, first + episodes):
        training.log_episode(
            number,
            number / 10 + math.sin(7.0 * number),
            20,
            quality_improvement=0.01 * number,
            quality_final=0.9,
            quality_initial=0.8,
            success=number % 4 == 0,
            algorithm_metrics={"kl_divergence": 0.01},
            performance_metrics={"episode_time": 0.5, "memory_usage": 100.0},
            additional_info={"logo_type": "text" if number % 2 else "simple", "parameters_explored": {"speckle": 4}},
        )
        training.log_training_step(number, -0.01, 0.5, 1.0, kl_divergence=0.01, learning_rate=3e-4, gradient_norm=0.4)
    training.log_evaluation(first + episodes, 5.0, 0.9, 0.5)


@pytest.mark.parametrize("buffer_size", [1_000, 30])
def test_a_replayed_training_has_the_duration_of_its_records(monitor: Monitor, buffer_size: int) -> None:
    """120 episodes with times 3 s apart are logged without delay. The live window contains all of them or the last."""
    with monitor(buffer_size=buffer_size) as training:
        for number in range(120):
            training.log_episode(number, 1.0, 20, time=1.7e9 + 3.0 * number)
        before = training.get_training_statistics()["session_info"]
    for reader in (training, open_run(training.path)):
        info, shown = reader.get_training_statistics()["session_info"], reader.create_dashboard_data()["session"]
        overview = reader.overview()

        assert info["training_time_minutes"] == shown["uptime_minutes"] == overview.state.duration / 60 == 357.0 / 60
        assert info["episodes_per_minute"] == before["episodes_per_minute"] == overview.episodes_per_minute == 20.0


@pytest.mark.parametrize("name", READINGS)
def test_a_finished_run_returns_the_same_results_as_its_monitor(monitor: Monitor, name: str) -> None:
    """Only the time of the call differs."""
    with monitor() as training:
        trained(training)
    mine, theirs = READINGS[name](training), READINGS[name](open_run(training.path))
    for answer in (mine, theirs):
        for changing in ("timestamp",):
            answer.pop(changing, None)
        validation = answer.get("validation", answer)
        validation.pop("timestamp", None)
        validation.get("checks", {}).pop("file_system", None)  # the free disk space

    assert json.dumps(mine, sort_keys=True) == json.dumps(theirs, sort_keys=True)


@pytest.mark.parametrize("name", READINGS)
def test_no_method_raises_before_the_first_episode(monitor: Monitor, name: str) -> None:
    """Statistics and convergence return a message."""
    with monitor() as training:
        for reader in (training, open_run(training.path)):
            found = READINGS[name](reader)
            if name in {"statistics", "convergence"}:
                assert "message" in found
            json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("name", READINGS)
def test_results_are_plain_python_objects(monitor: Monitor, name: str) -> None:
    """A strict JSON encoder accepts them if the numbers are finite; they contain no NumPy types."""
    with monitor() as training:
        trained(training)
        json.dumps(READINGS[name](training), allow_nan=False)


def test_non_finite_numbers_are_kept(monitor: Monitor) -> None:
    """The validity check counts them."""
    with monitor() as training:
        trained(training)
        training.log_training_step(99, math.nan, math.inf, 1.0)
        statistics, validity = (
            training.get_training_statistics(),
            training.validate_metrics()["checks"]["metric_validity"],
        )

    assert math.isnan(statistics["policy_loss_stats"]["latest"])
    assert statistics["value_loss_stats"]["latest"] == math.inf
    assert validity["status"] == "critical"
    assert validity["not_finite"] == {"policy_loss": 1, "value_loss": 1}


def test_more_episodes_than_the_live_window_are_read_from_the_folder(monitor: Monitor) -> None:
    """Statistics of 30 episodes are available with a live window of 10."""
    with monitor(buffer_size=10) as training:
        trained(training)

        assert training.get_training_statistics()["session_info"]["window_episodes"] == 10
        assert training.get_training_statistics(30)["session_info"]["window_episodes"] == 30
        assert training.get_training_statistics(1_000)["session_info"]["window_episodes"] == 40


def test_a_resumed_training_includes_its_previous_episodes(logs: Path) -> None:
    """The live window is empty after a resume, so the episodes are read from the folder."""
    settings = RecorderSettings(system_interval_s=None)
    with TrainingMonitor(logs, session_name="run", settings=settings) as training:
        trained(training)
    with TrainingMonitor(logs, session_name="run", settings=settings, resume="must") as resumed:
        assert resumed.get_training_statistics()["session_info"]["window_episodes"] == 40
        trained(resumed, 5, first=40)
        charts = resumed.create_dashboard_data()["charts"]

    assert [number for number, _ in charts["episode_rewards"]] == list(range(45))


@pytest.mark.parametrize("window", [0, -1, 2.5, True, "ten"])
def test_an_invalid_window_is_refused(monitor: Monitor, window: Any) -> None:
    """The error gives the value and an alternative."""
    with monitor() as training, pytest.raises(ValueError, match=r"window_size=.*Use None for the size of the live"):
        training.get_training_statistics(window)


def test_no_call_deadlocks(monitor: Monitor) -> None:
    """Several threads read at the same time while another thread logs, and also after the end."""
    with monitor(buffer_size=50) as training:
        trained(training, 12)
        done: list[str] = []
        stop = threading.Event()

        def log() -> None:
            number = 100
            while not stop.is_set():
                training.log_episode(number, 1.0, 5)
                number += 1

        def read(name: str) -> None:
            for _ in range(3):
                READINGS[name](training)
            training.save_session()
            done.append(name)

        logging = threading.Thread(target=log, daemon=True)
        readers = [threading.Thread(target=read, args=(name,), daemon=True) for name in READINGS]
        for thread in (logging, *readers):
            thread.start()
        for thread in readers:
            thread.join(60)
        stop.set()
        logging.join(60)
    assert sorted(done) == sorted(READINGS)
    assert training.get_training_statistics(5)["session_info"]["window_episodes"] == 5


def test_the_summary_covers_the_run_or_its_last_episodes(monitor: Monitor) -> None:
    """The monitor and a reader return it."""
    with monitor() as training:
        trained(training)
    whole, end = training.summary(), open_run(training.path).summary(10)

    assert (whole.episodes, end.episodes) == (40, 10)
    assert whole.measures["reward"].counts.finite == 40


@pytest.mark.parametrize("is_live", [True, False])
def test_the_overview_and_the_summary_use_the_given_clock(logs: Path, *, is_live: bool) -> None:
    """The monitor, the reader and the report use their clock instead of the system clock."""
    clock, settings = ManualClock(1_000.0), RecorderSettings(system_interval_s=None)
    with TrainingMonitor(logs, session_name="run", settings=settings, clock=clock) as training:
        training.log_episode(0, 1.0, 5)
        clock.advance(90.0)
        results = training if is_live else RunReader(training.path, clock=clock)

        assert results.overview().state.duration == results.summary().overview.state.duration == 90.0
        assert foot(1_090.0) in Path(results.write_report("report.md")).read_text(encoding="utf-8")


def test_runs_of_a_folder_are_readers(monitor: Monitor, logs: Path) -> None:
    """Each reader returns the same results as a run that is opened separately."""
    for name in ("one", "two"):
        with monitor(name) as training:
            trained(training)
    found = open_runs(logs)

    assert all(isinstance(run, RunReader) for run in found)
    assert [run.get_training_statistics()["session_info"]["session_id"] for run in found] == ["one", "two"]


@pytest.mark.parametrize("name", READINGS)
def test_a_metric_can_have_any_name(monitor: Monitor, name: str) -> None:
    """A metric with the name of a fixed key does not change the value of that key."""
    with monitor() as training:
        training.log_episode(0, 1.5, 7, algorithm_metrics={"reward": 9.0, "quality": 8.0, "episode": 7.0})
        READINGS[name](training)

        assert training.get_training_statistics()["reward_stats"]["mean"] == 1.5
        assert training.create_dashboard_data()["algorithm_metrics"]["reward"] == {"latest": 9.0, "recent_avg": 9.0}


@pytest.mark.parametrize("diagnosis_interval_s", [5.0, None])
def test_a_removed_folder_is_reported_without_an_error(monitor: Monitor, diagnosis_interval_s: float | None) -> None:
    """The training continues with the records in memory."""
    settings = RecorderSettings(
        system_interval_s=None, heartbeat_s=1e3, fsync_interval_s=1e3, diagnosis_interval_s=diagnosis_interval_s
    )
    with monitor(settings=settings) as training:
        trained(training)
        shutil.rmtree(training.path)
        found = {name: read(training) for name, read in READINGS.items()}

    assert found["validation"]["checks"]["file_system"]["findings"] == ["disk-space"]
    assert found["dashboard"]["summary"]["total_episodes"] == 40


@pytest.mark.parametrize("height", [1e308, math.inf, 5e-324])
def test_extreme_numbers_cause_no_warning(monitor: Monitor, height: float) -> None:
    """No error is raised either. A training can treat warnings as errors."""
    with monitor() as training:
        for number in range(40):
            reward = height if number % 14 < 7 else -height
            training.log_episode(number, reward, 5, height, height, -height, algorithm_metrics={"entropy": height})
        for reader in (training, open_run(training.path)):
            for read in READINGS.values():
                json.dumps(read(reader))
            assert reader.summary().measures["reward"].counts.total == 40


def test_the_time_between_two_sessions_is_not_training(logs: Path) -> None:
    """The monitor and the readers of the run leave it out."""
    clock, settings = ManualClock(1_000.0), RecorderSettings(system_interval_s=None)
    for resume in ("never", "must"):
        with TrainingMonitor(logs, session_name="run", settings=settings, clock=clock, resume=resume) as training:
            clock.advance(60.0)
            training.log_episode(0, 1.0, 5)
            minutes = training.get_training_statistics()["session_info"]["training_time_minutes"]
        clock.advance(6_000.0)

    assert minutes == open_run(training.path).get_training_statistics()["session_info"]["training_time_minutes"] == 2.0


def test_an_overview_of_a_removed_folder_is_refused(monitor: Monitor) -> None:
    """The documented error is raised. Methods that do not need the folder still work."""
    with monitor() as training:
        trained(training)
        shutil.rmtree(training.path)

        for ask in (training.overview, training.summary):
            with pytest.raises(RunNotFoundError, match="run"):
                ask()
        assert training.get_training_statistics()["session_info"]["total_episodes"] == 40
