"""The life of a monitor: names, status, resume and rewind."""

import math
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlvitals.errors import ClosedError, RecordError, RunLockedError
from rlvitals.monitor import TrainingMonitor, create_training_monitor
from rlvitals.recording import RecorderSettings
from rlvitals.runs.run import Run
from rlvitals.testing.manual_clock import ManualClock

OpenMonitor = Callable[..., TrainingMonitor]
_QUIET = RecorderSettings(system_interval_s=None, fsync_interval_s=3600.0, heartbeat_s=3600.0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def open_monitor(tmp_path: Path, clock: ManualClock) -> Iterator[OpenMonitor]:
    """Return a function that opens monitors in one folder. They are closed after the test."""
    opened: list[TrainingMonitor] = []

    def made(name: str | None = "run", **options: Any) -> TrainingMonitor:
        monitor = TrainingMonitor(tmp_path, session_name=name, **{"settings": _QUIET, "clock": clock, **options})
        opened.append(monitor)
        return monitor

    yield made
    for monitor in opened:
        monitor.close()


def _log(monitor: TrainingMonitor, *episodes: int) -> None:
    for episode in episodes:
        monitor.log_episode(episode, float(episode), 10, env_step=10 * (episode + 1))


def _episodes(run: Run, *, abandoned: bool = False) -> list[tuple[int, int]]:
    return [(record.writer, record.episode) for record in run.records("episodes", abandoned=abandoned)]


def _states(run: Run) -> list[str]:
    return [event.message for event in run.records("events") if event.kind == "state"]


# ---------------------------------------------------------------------- start


@pytest.mark.parametrize(
    "options",
    [
        {"target": "x"},
        {"target": math.nan},
        {"total_timesteps": -1},
        {"total_timesteps": 1.5},
        {"tags": "ablation"},
        {"tags": [1]},
        {"buffer_size": 0},
        {"update_frequency": "often"},
    ],
)
def test_an_invalid_argument_is_rejected_before_the_run_is_created(tmp_path: Path, options: dict[str, Any]) -> None:
    """The error has the name and the value of the argument."""
    ((name, value),) = options.items()
    with pytest.raises(RecordError, match=re.escape(f"{name}={value!r}")):
        TrainingMonitor(tmp_path / "logs", **options)
    assert not (tmp_path / "logs").exists()


def test_goals_can_be_numpy_numbers(open_monitor: OpenMonitor) -> None:
    """They are converted to Python numbers."""
    monitor = open_monitor(total_timesteps=np.float64(1e6), target=np.float32(0.5))

    assert monitor.run.header.goals == {"total_timesteps": 1_000_000, "target": 0.5}


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda m: m.log_episode(1, 0.1, 2, additional_info=3), "additional_info"),
        (lambda m: m.log_episode(1, 0.1, 2, performance_metrics=[1]), "performance_metrics"),
        (lambda m: m.log_episode(1, 0.1, 2, extra=3, own=1.0), "extra"),
        (lambda m: m.log_training_step(1, extra=3, own=1.0), "extra"),
        (lambda m: m.log_evaluation(1, 0.1, extra=3, own=1.0), "extra"),
    ],
)
def test_a_value_that_is_not_a_dict_is_rejected_with_its_name(
    open_monitor: OpenMonitor, call: Callable[[TrainingMonitor], object], name: str
) -> None:
    """This also holds with custom metrics in the same call, and nothing is recorded."""
    monitor = open_monitor()
    with pytest.raises(RecordError, match=f"{name} must be a dict, got"):
        call(monitor)
    assert not [*monitor.run.records("episodes"), *monitor.run.records("updates"), *monitor.run.records("evaluations")]


# ---------------------------------------------------------------------- end


def test_leaving_the_with_block_completes_the_run(open_monitor: OpenMonitor, clock: ManualClock) -> None:
    """The header has the end time."""
    with open_monitor() as monitor:
        _log(monitor, 0)
        clock.advance(60.0)

    header = monitor.run.header
    assert (monitor.status, header.status, header.failure) == ("completed", "completed", None)
    assert monitor.session.end_time == header.ended == clock.time()
    assert _states(monitor.run) == ["started", "completed"]


def test_an_exception_fails_the_run(open_monitor: OpenMonitor) -> None:
    """The header has the exception, which is raised further."""
    with pytest.raises(ZeroDivisionError), open_monitor() as monitor:
        _ = 1 / 0

    failure = monitor.run.header.failure
    assert monitor.run.header.status == "failed"
    assert failure is not None
    assert (failure.type, failure.message) == ("ZeroDivisionError", "division by zero")
    assert "1 / 0" in failure.traceback
    assert _states(monitor.run)[-1] == "failed: ZeroDivisionError: division by zero"


def test_ctrl_c_is_a_failure(open_monitor: OpenMonitor) -> None:
    """A training interrupted by the user has failed."""
    with pytest.raises(KeyboardInterrupt), open_monitor() as monitor:
        raise KeyboardInterrupt

    assert monitor.run.header.status == "failed"


@pytest.mark.parametrize(("code", "expected"), [(0, "completed"), (None, "completed"), (1, "failed"), ("no", "failed")])
def test_the_exit_code_determines_the_status(open_monitor: OpenMonitor, code: object, expected: str) -> None:
    """The codes 0 and `None` complete the run, and all others fail it."""
    with pytest.raises(SystemExit), open_monitor() as monitor:
        raise SystemExit(code)

    assert monitor.run.header.status == expected


@pytest.mark.parametrize(
    ("end", "code", "expected"),
    [
        ("", 0, ("completed", None)),
        ("raise RuntimeError('out of memory')", 1, ("failed", "out of memory")),
        ("sys.exit(0)", 0, ("completed", None)),
        ("sys.exit(3)", 3, ("failed", "3")),
        ("os.kill(os.getpid(), 15)", -15, ("preempted", "terminated by SIGTERM")),
        ("monitor.close()", 0, ("completed", None)),
        ("del monitor", 0, ("completed", None)),
        ("os._exit(3)", 3, ("crashed", None)),
        ("os.kill(os.getpid(), 9)", -9, ("crashed", None)),
    ],
)
def test_a_program_that_ends_without_a_close_has_the_right_status(
    tmp_path: Path, end: str, code: int, expected: tuple[str, str | None]
) -> None:
    """The exit handler stores the status. If it does not run, readers detect that the process is gone."""
    program = f"""
        import os, sys
        from rlvitals import TrainingMonitor
        monitor = TrainingMonitor({str(tmp_path)!r}, session_name="run")
        monitor.log_episode(0, 1.0, 2)
        {end}
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)], capture_output=True, timeout=60, check=False
    )

    run = Run(tmp_path / "run")
    failure = run.header.failure
    assert done.returncode == code
    assert (run.vitality().status, failure and failure.message) == expected
    assert _episodes(run) == [(1, 0)]


def test_a_closed_monitor_can_read_but_not_write(open_monitor: OpenMonitor) -> None:
    """Closing it again has no effect."""
    monitor = open_monitor()
    _log(monitor, 0, 1)
    monitor.close()
    monitor.close()
    monitor.fail(RuntimeError("too late"))

    assert monitor.get_training_statistics()["session_info"]["total_episodes"] == 2
    assert monitor.status == "completed"
    for write in (
        lambda: _log(monitor, 2),
        lambda: monitor.log_training_step(1),
        lambda: monitor.log_evaluation(1, 1.0),
        lambda: monitor.log_metrics("mine", {"a": 1}),
        lambda: monitor.log_note("late"),
    ):
        with pytest.raises(ClosedError, match="run is closed"):
            write()


def test_a_pause_and_its_end_are_recorded(open_monitor: OpenMonitor, clock: ManualClock) -> None:
    """A paused run has the status paused, not stalled or crashed."""
    monitor = open_monitor()
    monitor.pause()
    assert (monitor.session.status, monitor.run.vitality(clock=clock).status) == ("paused", "paused")
    monitor.unpause()

    assert (monitor.session.status, monitor.run.vitality(clock=clock).status) == ("running", "running")
    assert _states(monitor.run) == ["started", "paused", "running"]


# ---------------------------------------------------------------------- names


def test_a_free_name_is_used_unchanged(tmp_path: Path) -> None:
    """A taken name gets a number as suffix, and without a name a default is used."""
    made = [create_training_monitor(tmp_path, name, settings=_QUIET) for name in ("run", "run", None)]
    for monitor in made:
        monitor.close()

    first, second, third = (monitor.session_id for monitor in made)
    assert (first, second) == ("run", "run-2")
    assert third not in {first, second}


# ---------------------------------------------------------------------- resuming


def test_a_resumed_run_continues_its_counters(open_monitor: OpenMonitor, clock: ManualClock) -> None:
    """The episodes, the steps, the last episode and the start time are those of the whole run."""
    first = open_monitor(configuration={"lr": 1, "seed": 3})
    _log(first, 0, 1, 2)
    first.log_training_step(40, env_step=40)
    first.close()
    clock.advance(3600.0)
    second = open_monitor(resume="must", configuration={"lr": 2})
    _log(second, 3)

    assert second.resumed
    session = second.session
    assert (session.total_episodes, session.total_timesteps, session.start_time) == (4, 40, first.session.start_time)
    assert second.last_episode == 3
    assert session.configuration == {"lr": 2, "seed": 3}
    assert second.run.header.totals == {"episodes": 3, "updates": 1, "env_step": 40}
    assert _episodes(second.run) == [(1, 0), (1, 1), (1, 2), (2, 3)]
    assert _states(second.run) == ["started", "completed", "resumed"]


def test_a_resumed_run_has_neither_ended_nor_failed(open_monitor: OpenMonitor) -> None:
    """Its status is running, and its end time and failure are removed."""
    open_monitor().fail(RuntimeError("gone"))
    second = open_monitor(resume="allow")

    header = second.run.header
    assert (header.status, header.ended, header.failure) == ("running", None, None)
    assert [(writer.writer, writer.status) for writer in header.writers] == [(1, "failed"), (2, None)]


def test_an_open_run_is_not_resumed(open_monitor: OpenMonitor) -> None:
    """A second run of that name gets a separate folder, or raises RunLockedError with `resume`."""
    open_monitor()

    with pytest.raises(RunLockedError):
        open_monitor(resume="must")
    with pytest.raises(RunLockedError):
        open_monitor(resume="allow")
    assert open_monitor().session_id == "run-2"


# ---------------------------------------------------------------------- rewind


@pytest.mark.parametrize("sealed", [False, True])
def test_a_rewind_abandons_the_records_after_the_checkpoint(open_monitor: OpenMonitor, sealed: bool) -> None:
    """They are stored and marked, readers omit them by default, and counters continue from the checkpoint."""
    settings = RecorderSettings(
        system_interval_s=None, heartbeat_s=3600.0, fsync_interval_s=3600.0, seal_on_close=1 if sealed else 10**6
    )
    first = open_monitor(settings=settings)
    _log(first, 0, 1, 2, 3)
    first.log_training_step(20, entropy=1.0, env_step=20)
    first.log_training_step(40, entropy=0.5, env_step=40)
    first.close()
    second = open_monitor(resume="must", settings=settings)
    second.rewind(env_step=20)
    at_checkpoint = (second.session.total_episodes, second.env_step, second.last_episode)
    _log(second, 2)

    assert at_checkpoint == (2, 20, 1)
    assert (second.session.total_episodes, second.env_step, second.last_episode) == (3, 30, 2)
    assert _episodes(second.run) == [(1, 0), (1, 1), (3, 2)]
    assert _episodes(second.run, abandoned=True) == [(1, 0), (1, 1), (1, 2), (1, 3), (3, 2)]
    assert [record.step for record in second.run.records("updates")] == [20]
    assert [record.step for record in second.run.records("updates", abandoned=True)] == [20, 40]


def test_two_rewinds_leave_one_branch(open_monitor: OpenMonitor) -> None:
    """This also holds if the second checkpoint is after the first."""
    monitor = open_monitor()
    _log(monitor, 0, 1, 2, 3)
    monitor.rewind(env_step=10)
    _log(monitor, 11, 12)
    monitor.log_episode(13, 1.0, 10, env_step=50)
    monitor.rewind(env_step=130)
    _log(monitor, 20)

    assert _episodes(monitor.run) == [(1, 0), (2, 11), (2, 12), (2, 13), (3, 20)]
    assert monitor.session.total_episodes == 5


def test_a_rewind_by_episode_applies_to_records_without_a_step(open_monitor: OpenMonitor) -> None:
    """Each argument of the rewind applies to the records that have the field."""
    monitor = open_monitor()
    for episode in range(4):
        monitor.log_episode(episode, 1.0, 2)
    monitor.rewind(episode=1)
    monitor.log_episode(2, 5.0, 2)

    assert _episodes(monitor.run) == [(1, 0), (1, 1), (2, 2)]
    assert monitor.session.total_episodes == 3


def test_a_rewind_of_an_empty_run_has_no_effect(open_monitor: OpenMonitor) -> None:
    """A rewind to step 0 before the first record keeps all later records."""
    monitor = open_monitor()
    monitor.rewind(env_step=0)
    _log(monitor, 0)

    assert _episodes(monitor.run) == [(2, 0)]
    assert monitor.session.total_episodes == 1


def test_the_live_window_excludes_the_abandoned_branch(open_monitor: OpenMonitor) -> None:
    """Statistics include only the branch that continues."""
    monitor = open_monitor()
    _log(monitor, 0, 1, 2, 3)
    monitor.rewind(env_step=20)
    monitor.log_episode(2, 100.0, 10, env_step=30)

    assert monitor.get_training_statistics()["reward_stats"]["max"] == 100.0
    assert monitor.get_training_statistics()["reward_stats"]["mean"] == pytest.approx((0 + 1 + 100) / 3)
    assert monitor.session.total_episodes == 3


# ---------------------------------------------------------------------- stored values


def test_nan_infinities_and_missing_values_stay_distinct(open_monitor: OpenMonitor) -> None:
    """They are read back unchanged from the open segment and from the sealed one."""
    settings = RecorderSettings(system_interval_s=None, heartbeat_s=3600.0, seal_on_close=1)
    monitor = open_monitor(settings=settings)
    for step, value in enumerate((math.nan, math.inf, -math.inf, None)):
        monitor.log_training_step(step, value, own=value)

    def found() -> list[tuple[str, str]]:
        records = list(monitor.run.records("updates"))
        return [(repr(record.policy_loss), repr((record.extra or {}).get("own"))) for record in records]

    expected = [("nan", "nan"), ("inf", "inf"), ("-inf", "-inf"), ("None", "None")]
    assert found() == expected
    monitor.close()
    assert list((monitor.path / "updates").glob("*.parquet"))
    assert found() == expected


def test_records_with_repeated_or_lower_steps_are_kept(open_monitor: OpenMonitor) -> None:
    """They are read back in the order in which they were logged."""
    monitor = open_monitor()
    steps = [5, 5, 3, 9, 5]
    for number, step in enumerate(steps):
        monitor.log_episode(number, 1.0, 2, env_step=step)

    assert [record.env_step for record in monitor.run.records("episodes")] == steps
    assert monitor.session.total_episodes == 5
    assert monitor.env_step == 9


def test_an_episode_with_an_invalid_value_is_not_recorded(open_monitor: OpenMonitor) -> None:
    """The call raises RecordError, and no episode is stored or counted."""
    monitor = open_monitor()
    wrongs: list[dict[str, Any]] = [{"length": -1}, {"reward": "high"}, {"episode": 1.5}, {"reward": None}]
    for wrong in wrongs:
        with pytest.raises(RecordError):
            monitor.log_episode(**{"episode": 0, "reward": 1.0, "length": 2, **wrong})

    assert _episodes(monitor.run) == []
    assert monitor.session.total_episodes == 0


def test_a_training_can_change_its_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole run stays in its folder, and no file is written to the new working directory."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    settings = RecorderSettings(system_interval_s=None, seal_on_close=1)
    with TrainingMonitor("logs", session_name="run", settings=settings) as monitor:
        monitor.log_episode(0, 1.0, 5)
        monkeypatch.chdir(elsewhere)
        monitor.log_episode(1, 1.0, 5)
        monitor.save_session()
        monitor.validate_metrics()

    assert list(elsewhere.iterdir()) == []
    run = Run(tmp_path / "logs" / "run")
    assert (run.header.status, [record.episode for record in run.records("episodes")]) == ("completed", [0, 1])


def test_a_report_that_cannot_be_written_does_not_hide_an_exception(tmp_path: Path) -> None:
    """The user's exception leaves the `with` block after the run folder was removed."""
    training = TrainingMonitor(tmp_path / "logs", report=True)
    training.log_episode(0, 1.0, 5)
    shutil.rmtree(tmp_path / "logs")
    (tmp_path / "logs").write_text("a file in the place of the folder")

    with pytest.raises(ZeroDivisionError), training:
        raise ZeroDivisionError
