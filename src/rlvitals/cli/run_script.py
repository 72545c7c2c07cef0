"""`rlvitals run -- COMMAND...`: a training script, recorded without a change to it."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from rlvitals.autologging.child_process import ProcessReport, environment_with, reported_in
from rlvitals.autologging.library_attachments import DEFAULT_FOLDER
from rlvitals.cli.error_output import print_error
from rlvitals.cli.forwarded_signals import ForwardedSignals

_NOT_FOUND, _NOT_EXECUTABLE = 127, 126
_SIGNALLED = 128
"""Exit codes of shells: a command that does not exist, that cannot be executed, and that a signal ended."""

Command = Annotated[
    list[str], typer.Argument(help="Command that trains, such as: python train.py", metavar="COMMAND...")
]
Into = Annotated[Path, typer.Option("--folder", help="Create the runs in this folder.")]
Name = Annotated[
    str | None, typer.Option("--name", help="Name the run. Default: after the algorithm and the environment.")
]
Project = Annotated[str | None, typer.Option("--project", help="Record this project name.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="Add a tag to the run. Can be repeated.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the last line as JSON, on standard error.")]


def run(
    command: Command,
    *,
    folder: Into = Path(DEFAULT_FOLDER),
    name: Name = None,
    project: Project = None,
    tag: Tags = None,
    as_json: AsJson = False,
) -> None:
    """Run a training script unchanged, and record what it trains.

    Stable-Baselines3, Gymnasium, TensorBoard writers, W&B, TRL, Optuna, RLlib and Ray Tune are attached where the
    script uses them.
    Output, signals and the exit code are those of the command. One line at the end, on standard error, names the runs.
    """
    if command[0].endswith(".py"):
        command = [sys.executable, *command]
    options: dict[str, Any] = {"log_dir": str(folder.absolute()), "announce": _is_terminal(sys.stderr)}
    options |= {"session_name": name} if name is not None else {}
    options |= {"project_name": project} if project is not None else {}
    options |= {"tags": tag} if tag else {}
    with tempfile.TemporaryDirectory(prefix="rlvitals-run-", ignore_cleanup_errors=True) as home:
        report = Path(home) / "report.jsonl"
        code = _run(command, environment_with(options, report))
        with contextlib.suppress(Exception, KeyboardInterrupt):  # the exit code is that of the command in any case
            _print_report(reported_in(report), folder, as_json=as_json)
    _exit_like(code)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command, and return its exit code; the negative number of the signal that ended it."""
    with ForwardedSignals() as signals:
        try:
            child = subprocess.Popen(command, env=dict(environment))
        except OSError as error:
            print_error(f"cannot run {command[0]}: {error.strerror}. Check the path, or name the interpreter first")
            raise typer.Exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE) from None
        signals.send_to(child)
        return child.wait()


def _print_report(reported: ProcessReport, folder: Path, *, as_json: bool) -> None:
    if reported.runs or as_json:
        from rlvitals.cli.recorded_runs import print_recorded  # noqa: PLC0415 - loads duckdb

        print_recorded(reported, folder, as_json=as_json)
    else:
        print_error(reported.reason)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # Python has no stream for a closed one


def _exit_like(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError):
            stream.flush()
    if code >= 0:
        raise typer.Exit(code)
    with contextlib.suppress(OSError, ValueError):  # SIGKILL has no handler to reset
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    raise typer.Exit(_SIGNALLED - code)
