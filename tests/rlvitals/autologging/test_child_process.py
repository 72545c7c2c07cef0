"""Options and reports of recorded processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rlvitals.autologging.child_process import STARTUP_FOLDER, add_line, environment_with, reported_in


def run_python(report: Path, text: str, *flags: str, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {**environment_with({"log_dir": "logs"}, report), **more}
    return subprocess.run(
        [sys.executable, *flags, "-c", text], env=environment, capture_output=True, text=True, check=False
    )


def test_a_process_reports_that_it_has_started(tmp_path: Path) -> None:
    """The program does not see the folder from which it was started."""
    done = run_python(tmp_path / "report", "import sys; print([path for path in sys.path if 'startup' in path])")

    assert (done.stdout, done.stderr) == ("[]\n", "")
    assert reported_in(tmp_path / "report").started


def test_the_search_path_of_the_user_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", "/mine")

    assert environment_with({}, tmp_path)["PYTHONPATH"] == f"{STARTUP_FOLDER}{os.pathsep}/mine"


def test_the_sitecustomize_of_the_user_runs(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('mine')\n")
    path = f"{STARTUP_FOLDER}{os.pathsep}{tmp_path}"

    assert run_python(tmp_path / "report", "print('program')", PYTHONPATH=path).stdout == "mine\nprogram\n"


def test_a_program_imports_the_sitecustomize_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("setting = 'mine'\n")
    path = f"{STARTUP_FOLDER}{os.pathsep}{tmp_path}"
    text = "import sitecustomize; print(sitecustomize.setting)"

    assert run_python(tmp_path / "report", text, PYTHONPATH=path).stdout == "mine\n"


def test_a_process_that_outlives_its_parent_prints_nothing(tmp_path: Path) -> None:
    """Its report has been removed."""
    done = run_python(tmp_path / "removed" / "report", "print('program')")

    assert (done.stdout, done.stderr) == ("program\n", "")


@pytest.mark.parametrize(
    ("words", "is_recorded"),
    [
        (["forkserver_experiment/default_worker.py"], True),
        (["ray/_private/workers/default_worker.py", "--node"], False),
        (["-c", "from multiprocessing.resource_tracker import main;main(5)"], False),
        (["-W", "ignore", "-X", "dev", "-c", "from multiprocessing.forkserver import main; main(3, 4)"], False),
        (["-c", "print('resource_tracker')"], True),
    ],
)
def test_processes_that_a_library_starts_for_itself_are_not_recorded(
    tmp_path: Path, words: list[str], *, is_recorded: bool
) -> None:
    """They are known by their whole program, because a folder of the user can have the same name."""
    for word in words:
        if word.endswith(".py"):
            (tmp_path / word).parent.mkdir(parents=True)
            (tmp_path / word).write_text("")
    environment = environment_with({}, tmp_path / "report")
    subprocess.run(
        [sys.executable, *words], cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=30
    )

    assert reported_in(tmp_path / "report").started == is_recorded


def test_a_program_without_a_supported_library_does_not_load_the_monitor(tmp_path: Path) -> None:
    text = "import sys; print(sorted(name for name in sys.modules if name.startswith(('rlvitals.monitor', 'numpy'))))"

    assert run_python(tmp_path / "report", text).stdout == "[]\n"


@pytest.mark.parametrize("flag", ["-I", "-E"])
def test_an_isolated_interpreter_is_not_recorded(tmp_path: Path, flag: str) -> None:
    assert run_python(tmp_path / "report", "print(1)", flag).stdout == "1\n"
    assert not reported_in(tmp_path / "report").started


def test_damaged_options_do_not_stop_the_program(tmp_path: Path) -> None:
    done = run_python(tmp_path / "report", "print(1)", RLVITALS_RUN="{")

    assert done.stdout == "1\n"
    assert done.stderr.startswith("rlvitals: this process is not recorded (JSONDecodeError")


def test_a_report_names_the_libraries_of_each_run(tmp_path: Path) -> None:
    """A line that a killed process did not finish is left out."""
    report = tmp_path / "report"
    add_line(report, {"started": "python"})
    for what, run in (("W&B", "/logs/a"), ("TensorBoard writer", "/logs/a"), ("W&B", "/logs/b")):
        add_line(report, {"attached": what, "run": run})
    with report.open("a") as file:
        file.write(json.dumps({"attached": "W&B"})[:5])

    assert reported_in(report).runs == {
        Path("/logs/a"): ["W&B", "TensorBoard writer"],
        Path("/logs/b"): ["W&B"],
    }


def test_without_a_report_nothing_was_started(tmp_path: Path) -> None:
    assert reported_in(tmp_path / "report") == (False, {})
