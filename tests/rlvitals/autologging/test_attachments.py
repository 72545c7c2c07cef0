"""State that the attachments of a process share."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.autologging.attachments import AttachedProcess
from rlvitals.runs import Run


class Library:
    """A class of another library."""

    def double(self, number: int, *, more: int = 0) -> int:
        """Return twice a number."""
        return 2 * number + more

    def quadruple(self, number: int) -> int:
        """Return four times a number."""
        return self.double(self.double(number))

    def fail(self) -> None:
        """Raise an error."""
        raise ValueError("no")


@pytest.fixture
def process(tmp_path: Path) -> AttachedProcess:
    settings = RecorderSettings(system_interval_s=None)
    return AttachedProcess({"log_dir": tmp_path / "logs", "settings": settings}, tmp_path / "report.jsonl")


@pytest.fixture
def library() -> type[Library]:
    """A copy of the class, which a test can change."""
    return type("Library", (), dict(vars(Library)))


def test_a_function_is_observed_after_it_has_run(process: AttachedProcess, library: type[Library]) -> None:
    seen: list[tuple[int, int, int]] = []
    process.observe(library, "double", lambda result, _, number, more: seen.append((result, number, more)))

    assert library().double(3, more=1) == 7
    assert seen == [(7, 3, 1)]


def test_calls_inside_an_observed_function_are_not_observed(process: AttachedProcess, library: type[Library]) -> None:
    seen: list[str] = []
    process.observe(library, "double", lambda *_: seen.append("double"))
    process.observe(library, "quadruple", lambda *_: seen.append("quadruple"))

    assert library().quadruple(3) == 12
    assert seen == ["quadruple"]


def test_calls_of_another_attachment_inside_are_observed(process: AttachedProcess, library: type[Library]) -> None:
    """A callback that runs inside of a training can log."""
    seen: list[str] = []

    def logged(*_: object) -> None:
        seen.append("double")

    logged.__module__ = "another"
    process.observe(library, "double", logged)
    process.observe(library, "quadruple", lambda *_: seen.append("quadruple"))

    assert library().quadruple(3) == 12
    assert seen == ["double", "double", "quadruple"]


def test_an_error_of_the_function_is_raised_and_not_observed(process: AttachedProcess, library: type[Library]) -> None:
    seen: list[str] = []
    process.observe(library, "fail", lambda *_: seen.append("fail"))
    process.observe(library, "double", lambda *_: seen.append("double"))

    with pytest.raises(ValueError, match="no"):
        library().fail()
    library().double(1)
    assert seen == ["double"]


def test_a_failure_to_record_is_logged_once(
    process: AttachedProcess, library: type[Library], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("disk")

    process.observe(library, "double", fail)

    assert [library().double(3) for _ in range(3)] == [6, 6, 6]
    assert caplog.messages == [
        "autolog: a call of double could not be recorded (RuntimeError: disk); the program continues"
    ]


def test_a_missing_function_is_left_alone(process: AttachedProcess, library: type[Library]) -> None:
    """Versions of a library differ."""
    process.observe(library, "missing", lambda *_: None)

    assert not hasattr(library, "missing")


def test_each_attachment_is_reported_once(process: AttachedProcess, tmp_path: Path) -> None:
    with TrainingMonitor(tmp_path / "logs", session_name="a") as monitor:
        for what in ("W&B", "W&B", "TensorBoard writer"):
            process.note(what, monitor)

    lines = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    run = str(tmp_path / "logs" / "a")
    assert lines == [{"attached": "W&B", "run": run}, {"attached": "TensorBoard writer", "run": run}]


def test_a_logger_without_a_folder_joins_the_current_run(process: AttachedProcess) -> None:
    writer = process.run_of(Path("/runs/a"), session_name="a")
    other = process.run_of(None, session_name="b")
    writer.monitor.close()

    assert other is writer


EXITS = {
    "at once": "os._exit(3)",
    "in an exit handler": "atexit.register(os._exit, 3)",
    "without a new thread": "threading.stack_size(2**46)\nos._exit(3)",
}


@pytest.mark.parametrize("how", EXITS)
def test_an_immediate_exit_ends_the_run_and_has_its_code(tmp_path: Path, how: str) -> None:
    """No thread can start in an exit handler of Python 3.12."""
    text = (
        "import atexit, os, threading\n"
        "from rlvitals.autologging.attachments import AttachedProcess\n"
        "process = AttachedProcess({'log_dir': 'logs', 'session_name': 'a'}, None)\n"
        "process.end_before_exit()\n"
        "process.run_of(None)\n"
    )
    code = subprocess.run([sys.executable, "-c", text + EXITS[how]], cwd=tmp_path, check=False).returncode

    assert (code, Run(tmp_path / "logs" / "a").header.status) == (3, "failed")
