"""Options of `rlvitals run` in the environment of the processes that it starts, and what these processes report."""

import contextlib
import itertools
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.autologging.library_attachments import start

VARIABLE = "RLVITALS_RUN"
"""Environment variable with the options, as JSON."""

STARTUP_FOLDER = Path(__file__).parent / "startup"
"""Folder that is put on the `PYTHONPATH` of the process."""

_RAY_WORKER = "ray/_private/workers/default_worker.py"
_MAIN_OF_HELPER = re.compile(r"from [\w.]+\.(resource_tracker|forkserver) import main\b")
"""Program of a helper process of `multiprocessing` or joblib."""


class ProcessReport(NamedTuple):
    """What the recorded processes reported.

    Attributes:
        started: Whether a Python process with rlvitals has started.
        runs: Names of the attached libraries, by the path of their run. None if the program records the run itself.
    """

    started: bool
    runs: dict[Path, list[str]]

    @property
    def reason(self) -> str:
        """Why nothing was recorded. Empty if there are runs."""
        if self.runs:
            return ""
        if not self.started:
            return (
                "nothing was recorded, because no Python with rlvitals was started, or it ignores PYTHONPATH (-I, -E). "
                "Install rlvitals in the interpreter that runs the script"
            )
        return (
            "nothing was recorded, because the program did not train, or with none of the supported libraries. "
            "Log with rlvitals.TrainingMonitor, or see https://rlvitals.github.io/rlvitals/guides/attach/"
        )


def environment_with(options: Mapping[str, Any], report: Path) -> dict[str, str]:
    """Return the environment of a process that is recorded.

    Args:
        options: Options of `TrainingMonitor` for every run, as JSON values.
        report: File that receives a line for each process and each attachment.
    """
    found = os.environ.get("PYTHONPATH")
    paths = [str(STARTUP_FOLDER), *([found] if found else [])]
    said = json.dumps({"options": dict(options), "report": str(report)})
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), VARIABLE: said}


def start_in_child() -> None:
    """Attach the libraries that this process imports. Never raises."""
    text = os.environ.get(VARIABLE)
    if not text or _is_of_library(sys.orig_argv):
        return
    try:
        said = json.loads(text)
        report = Path(said["report"])
        with contextlib.suppress(OSError):  # the parent process has ended
            add_line(report, {"started": sys.executable})
        start(said["options"], report)
    except Exception as error:  # noqa: BLE001 - the program must start
        print(f"rlvitals: this process is not recorded ({type(error).__name__}: {error})", file=sys.stderr)  # noqa: T201 - before logging


def _is_of_library(command: Sequence[str]) -> bool:
    """Return whether a library starts a process for itself: Ray's workers, and helpers of `multiprocessing`."""
    if any(Path(word).as_posix().endswith(_RAY_WORKER) for word in command):
        return True
    return any(flag == "-c" and _MAIN_OF_HELPER.match(text) for flag, text in itertools.pairwise(command))


def add_line(report: Path, line: Mapping[str, Any]) -> None:
    """Add a line to the report.

    Raises:
        OSError: The report cannot be written, for example because its parent process has ended.
    """
    with report.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def reported_in(report: Path) -> ProcessReport:
    """Return what the processes reported. A line that a killed process did not finish is left out."""
    started, runs = False, dict[Path, list[str]]()
    text = report.read_text(encoding="utf-8") if report.exists() else ""
    for line in text.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        started = True
        if "run" in said:
            attached = runs.setdefault(Path(said["run"]), [])
            attached += [said["attached"]] if said["attached"] else []
    return ProcessReport(started, runs)
