"""The line printed at the start of a run."""

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
    """Return a function that hides pytest from the program. pytest sets its variable after the fixtures."""
    monkeypatch.delenv("RLVITALS_QUIET", raising=False)
    monkeypatch.chdir(tmp_path)
    return lambda: monkeypatch.delenv("PYTEST_CURRENT_TEST")


def test_the_run_folder_is_printed_once(leave_pytest: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    """It is printed on standard error with the commands to watch the run, and not again after a resume."""
    leave_pytest()
    for resume in ("never", "must", "must"):
        TrainingMonitor("logs", session_name="a b", resume=resume, settings=QUIET).close()

    said = "rlvitals: recording to 'logs/a b' (watch it: rlvitals watch 'logs/a b', or rlvitals ui logs)\n"
    assert capsys.readouterr() == ("", said)


def test_a_run_elsewhere_is_named_by_its_whole_path(
    leave_pytest: Callable[[], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run outside the working directory has an absolute path, so that the commands work."""
    leave_pytest()
    elsewhere = tmp_path.parent / "elsewhere" / "run"
    announce(elsewhere)

    said = f"recording to {elsewhere} (watch it: rlvitals watch {elsewhere}, or rlvitals ui {elsewhere.parent})"
    assert said in capsys.readouterr().err


def test_the_line_can_be_turned_off(
    leave_pytest: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The argument and the environment variable turn it off. The value `0` leaves it on."""
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
def test_an_unusable_standard_error_is_ignored(
    leave_pytest: Callable[[], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    stream: str,
) -> None:
    """A missing, closed or ASCII-only standard error raises nothing, and nothing goes to standard output instead."""
    leave_pytest()
    closed = io.StringIO()
    closed.close()
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", {"missing": None, "closed": closed, "ascii": ascii_only}[stream])
    announce(tmp_path / stream / "läuft")

    assert capsys.readouterr().out == ""


def test_a_forked_child_does_not_repeat_the_line(tmp_path: Path) -> None:
    """The line is printed once, even if a forked child uses the monitor."""
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
