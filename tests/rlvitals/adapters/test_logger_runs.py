"""Runs that the loggers of a process share."""

import os
from pathlib import Path

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.adapters.logger_runs import ENVIRONMENT, LoggerRuns
from rlvitals.errors import RunError


@pytest.fixture
def runs(tmp_path: Path, settings: RecorderSettings) -> LoggerRuns:
    """Runs in a folder."""
    return LoggerRuns({"log_dir": tmp_path, "settings": settings, "announce": False})


def test_a_run_ends_when_its_last_user_leaves(runs: LoggerRuns) -> None:
    run = runs.open()
    run.join("a")
    run.join("b")
    run.leave("a")
    open_with_one = run.is_open
    run.leave("b")

    assert (open_with_one, run.is_open, run.monitor.status) == (True, False, "completed")


def test_an_error_of_the_last_user_fails_the_run(runs: LoggerRuns) -> None:
    run = runs.open()
    run.join("a")
    run.leave("a", ValueError("no"))

    assert run.monitor.status == "failed"


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("a", "a", True),
        ("a", "a/eval", True),
        ("a/train", "a/eval", True),
        ("a", "a/more", True),
        ("a", "b", False),
        ("a/train", "b/train", False),
    ],
)
def test_writers_of_one_training_share_a_run(runs: LoggerRuns, first: str, second: str, together: bool) -> None:
    run = runs.open(Path("/logs", first))

    assert (runs.of_writer(Path("/logs", second)) is run) is together
    run.monitor.close()


def test_a_run_that_has_ended_is_not_shared(runs: LoggerRuns) -> None:
    run = runs.open(Path("/logs/a"))
    run.monitor.close()

    assert runs.of_writer(Path("/logs/a")) is None
    assert runs.current is None
    assert runs.unfinished == []


def test_the_newest_open_run_is_current(runs: LoggerRuns) -> None:
    first, second = runs.open(), runs.open()
    newest = runs.current
    second.monitor.close()

    assert newest is second
    assert runs.current is first
    first.monitor.close()


def test_a_monitor_of_an_adapter_stays_open(runs: LoggerRuns, monitor: TrainingMonitor) -> None:
    """The adapter closes it."""
    run = runs.adopt(monitor)
    run.join("writer")
    run.leave("writer")

    assert runs.adopt(monitor) is run
    assert run.is_open


def test_options_win_over_what_a_logger_proposes(runs: LoggerRuns, tmp_path: Path) -> None:
    run = runs.open(log_dir="/elsewhere", session_name="mine")
    run.monitor.close()

    assert run.monitor.path == tmp_path / "mine"


def test_a_run_that_cannot_be_created_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(RunError):
        LoggerRuns({"log_dir": tmp_path / "file"}).open()


def test_the_child_of_a_fork_has_no_runs(runs: LoggerRuns) -> None:
    run = runs.open()
    child = os.fork()
    if child == 0:
        os._exit(0 if runs.current is None and not runs.unfinished else 1)
    _, status = os.waitpid(child, 0)
    run.monitor.close()

    assert status == 0


@pytest.mark.parametrize(
    ("first", "writer", "prefix"),
    [
        ("a", "a", ""),
        ("a", "a/eval", "eval/"),
        ("a/eval", "a/eval", "eval/"),
        ("a/eval", "a/train", ""),
        ("a/train", "a/Test", "eval/"),
        ("a/train", "a", ""),
        ("a", "a/more", "more/"),
    ],
)
def test_the_order_of_writers_does_not_decide_their_tags(
    runs: LoggerRuns, first: str, writer: str, prefix: str
) -> None:
    """Evaluations have the tags of evaluations, and the training has none."""
    run = runs.open(Path("/logs", first))
    run.monitor.close()

    assert run.prefix_of(Path("/logs", writer)) == prefix


def test_ended_runs_are_forgotten(runs: LoggerRuns) -> None:
    """A program can train a thousand times."""
    first = runs.open()
    first.monitor.close()
    second = runs.open(opener=ENVIRONMENT)

    assert runs._runs == [second]
    second.monitor.close()
