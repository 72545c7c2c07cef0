"""The line at the start of recording."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.recording.announcement import announce

QUIET = RecorderSettings(system_interval_s=None)


@pytest.fixture
def leave_pytest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """Goes on as a program that is not a test; pytest sets its variable after the fixtures, so a test calls this."""
    monkeypatch.delenv("RLVITALS_QUIET", raising=False)
    monkeypatch.chdir(tmp_path)
    return lambda: monkeypatch.delenv("PYTEST_CURRENT_TEST")


def test_a_run_says_once_where_it_is(leave_pytest: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, with the commands that show it from here; not again when it is resumed."""
    leave_pytest()
    for resume in ("never", "must", "must"):
        TrainingMonitor("logs", session_name="a b", resume=resume, settings=QUIET).close()

    said = "rlvitals: recording to 'logs/a b' (watch it: rlvitals watch 'logs/a b', or rlvitals ui logs)\n"
    assert capsys.readouterr() == ("", said)


def test_a_run_elsewhere_is_named_by_its_whole_path(
    leave_pytest: Callable[[], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that the commands work from here."""
    leave_pytest()
    elsewhere = tmp_path.parent / "elsewhere" / "run"
    announce(elsewhere)

    said = f"recording to {elsewhere} (watch it: rlvitals watch {elsewhere}, or rlvitals ui {elsewhere.parent})"
    assert said in capsys.readouterr().err


def test_the_line_can_be_left_out(
    leave_pytest: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the option and by the environment; `0` in the environment leaves it on."""
    leave_pytest()
    TrainingMonitor("logs", session_name="option", announce=False, settings=QUIET).close()
    monkeypatch.setenv("RLVITALS_QUIET", "1")
    TrainingMonitor("logs", session_name="variable", settings=QUIET).close()
    assert capsys.readouterr().err == ""

    monkeypatch.setenv("RLVITALS_QUIET", "0")
    TrainingMonitor("logs", session_name="zero", settings=QUIET).close()
    assert "logs/zero" in capsys.readouterr().err


def test_tests_of_other_programs_print_no_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inside pytest a monitor prints nothing."""
    TrainingMonitor(tmp_path, settings=QUIET).close()

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("stream", ["missing", "closed", "ascii"])
def test_a_standard_error_that_takes_nothing_is_no_failure(
    leave_pytest: Callable[[], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stream: str,
) -> None:
    """As under pythonw, in a daemon, and where it cannot write the path; standard output gets nothing instead."""
    leave_pytest()
    closed = io.StringIO()
    closed.close()
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", {"missing": None, "closed": closed, "ascii": ascii_only}[stream])
    announce(tmp_path / stream / "läuft")

    assert capsys.readouterr().out == ""


def test_a_forked_child_does_not_repeat_the_line(tmp_path: Path) -> None:
    """One line, whatever the children of a training do with its monitor."""
    code = (
        "import os, sys, rlvitals\n"
        "monitor = rlvitals.TrainingMonitor('logs', session_name='run')\n"
        "if os.fork() == 0:\n    monitor.status; os._exit(0)\n"
        "os.wait(); monitor.close()\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )

    assert done.stderr.count("recording to logs/run") == 1
    assert done.stdout == ""
