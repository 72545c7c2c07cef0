"""`rlvitals run`: exit codes, signals and output of the command that it runs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("default_signals")


def run(folder: Path, *words: str, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "rlvitals", "run", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return] # options of `run`


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_is_that_of_the_command(tmp_path: Path, code: int) -> None:
    assert run(tmp_path, "--", sys.executable, "-c", f"raise SystemExit({code})").returncode == code


def test_a_signal_that_ends_the_command_ends_the_parent(tmp_path: Path) -> None:
    text = "import os; os.kill(os.getpid(), 9)"

    assert run(tmp_path, "--", sys.executable, "-c", text).returncode == -signal.SIGKILL


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGINT"])
def test_a_signal_reaches_the_command(tmp_path: Path, name: str) -> None:
    """The command decides what it does."""
    text = (
        "import signal, sys\n"
        f"signal.signal(signal.{name}, lambda *_: sys.exit(7))\n"
        "print('ready', flush=True)\n"
        "signal.pause()\n"
    )
    command = [sys.executable, "-m", "rlvitals", "run", "--", sys.executable, "-c", text]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        parent.send_signal(getattr(signal, name))

        assert parent.wait() == 7


def test_output_and_input_pass_through(tmp_path: Path) -> None:
    """The line of rlvitals is the last one of standard error."""
    text = "import sys; print(sys.stdin.read()); print('mine', file=sys.stderr)"
    done = run(tmp_path, "--", sys.executable, "-c", text, input="given")

    assert done.stdout == "given\n"
    mine, line = done.stderr.splitlines()
    assert (mine, line[:29]) == ("mine", "rlvitals: nothing was recorde")


def test_options_after_the_command_are_those_of_the_command(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import sys; print(sys.argv[1:])")
    done = run(tmp_path, "train.py", "--name", "a", "--help")

    assert done.stdout == "['--name', 'a', '--help']\n"


def test_the_run_has_the_options(tmp_path: Path) -> None:
    text = (
        "import gymnasium\n"
        "env = gymnasium.make('CartPole-v1')\n"
        "env.reset(seed=0)\n"
        "for step in range(300):\n"
        "    if any(env.step(step % 2)[2:4]):\n"
        "        env.reset()\n"
    )
    options = ("--folder", "mine", "--name", "a", "--project", "p", "--tag", "x", "--tag", "y", "--json")
    done = run(tmp_path, *options, "--", sys.executable, "-c", text)

    (one,) = json.loads(done.stderr)["runs"]
    overview = one["overview"]
    assert (one["run"], one["attached"]) == (str(tmp_path / "mine" / "a"), ["Gymnasium environment"])
    assert (overview["state"]["project"], overview["state"]["status"]) == ("p", "completed")
    header = json.loads((tmp_path / "mine" / "a" / "run.json").read_text())
    assert header["tags"] == ["x", "y"]


@pytest.mark.parametrize(("mode", "code"), [(None, 127), (0o644, 126)])
def test_a_command_that_cannot_run_has_the_exit_code_of_a_shell(tmp_path: Path, mode: int | None, code: int) -> None:
    if mode is not None:
        (tmp_path / "train").write_text("")
        os.chmod(tmp_path / "train", mode)  # noqa: PTH101 - the mode is the input
    done = run(tmp_path, "--", "./train")

    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("rlvitals: cannot run ./train: ")


def test_a_command_without_python_says_what_is_needed(tmp_path: Path) -> None:
    assert "Install rlvitals in the interpreter that runs the script" in run(tmp_path, "--", "true").stderr


def test_a_python_program_of_a_shell_script_is_recorded(tmp_path: Path) -> None:
    """Processes that the command starts are recorded too."""
    (tmp_path / "train.sh").write_text(f"{sys.executable} -c 'print(1)'\n")

    assert "with none of the supported libraries" in run(tmp_path, "--", "sh", "train.sh").stderr


def test_a_run_that_the_program_records_itself_is_named(tmp_path: Path) -> None:
    text = (
        "import rlvitals\n"
        "with rlvitals.TrainingMonitor('logs', session_name='a') as monitor:\n"
        "    monitor.log_episode(0, reward=1.0, length=5)\n"
    )
    line = run(tmp_path, "--", sys.executable, "-c", text).stderr.splitlines()[-1]

    assert line.startswith("rlvitals: recorded logs/a (by the program itself): completed, 1 episode.")


def test_a_study_has_trials(tmp_path: Path) -> None:
    text = (
        "import rlvitals\n"
        "study = {'study': 's', 'directions': ['maximize', 'minimize']}\n"
        "with rlvitals.TrainingMonitor('logs', session_name='a', configuration=study) as monitor:\n"
        "    monitor.log_episode(0, reward=1.5, length=1, termination_reason='complete')\n"
    )
    line = run(tmp_path, "--", sys.executable, "-c", text).stderr.splitlines()[-1]

    assert line.startswith("rlvitals: recorded logs/a (by the program itself): completed, 1 trial.")


def test_a_missing_command_is_an_error(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 2


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", ">&- 2>&-"])
def test_the_exit_code_does_not_depend_on_the_last_line(tmp_path: Path, redirection: str) -> None:
    shell = f'"$@" {redirection}'
    command = ["sh", "-c", shell, "sh", sys.executable, "-m", "rlvitals", "run", "--", "sh", "-c", "exit 3"]

    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 3


def test_a_command_may_remove_its_working_directory(tmp_path: Path) -> None:
    text = (
        "import os, rlvitals\n"
        "with rlvitals.TrainingMonitor(os.environ['LOGS'], session_name='a') as monitor:\n"
        "    from rlvitals.autologging import child_process\n"
        "    report = __import__('json').loads(os.environ['RLVITALS_RUN'])['report']\n"
        "    child_process.add_line(__import__('pathlib').Path(report), {'attached': 'x', 'run': str(monitor.path)})\n"
        "os.rmdir(os.getcwd())\n"
    )
    here = tmp_path / "here"
    here.mkdir()
    done = run(here, "--", sys.executable, "-c", text, env={**os.environ, "LOGS": str(tmp_path / "logs")})

    assert done.returncode == 0
    assert done.stderr.startswith(f"rlvitals: recorded {tmp_path / 'logs' / 'a'} (x): completed")
