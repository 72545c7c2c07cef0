"""The line that says where a run is recorded and how to watch it."""

import contextlib
import os
import shlex
import sys
from pathlib import Path

from rlvitals.text_escaping import escape_control

QUIET_VARIABLE = "RLVITALS_QUIET"
"""Environment variable that turns the line off; empty and `0` leave it on."""

_TEST_VARIABLE = "PYTEST_CURRENT_TEST"
"""Set by pytest: tests often compare what a program prints."""

_announced: set[Path] = set()


def announce(path: Path) -> None:
    """Print on standard error where a run is recorded: once for each run of this process, and never raise.

    Nothing is printed if the environment variable `RLVITALS_QUIET` is set, or inside a test of pytest.

    Args:
        path: The run's folder, absolute.
    """
    if path in _announced or os.environ.get(QUIET_VARIABLE, "0") not in {"", "0"} or _TEST_VARIABLE in os.environ:
        return
    _announced.add(path)
    with contextlib.suppress(Exception):  # standard error may be closed, or anything that a program put in its place
        if sys.stderr is not None:  # as under pythonw, where `print` would take standard output
            print(_line(path), file=sys.stderr, flush=True)  # noqa: T201 - logging shows no such line by default


def _line(path: Path) -> str:
    run, folder = _typed(path), _typed(path.parent)
    return f"rlvitals: recording to {run} (watch it: rlvitals watch {run}, or rlvitals ui {folder})"


def _typed(path: Path) -> str:
    """A path as a user would type it here."""
    here = Path.cwd()
    return escape_control(shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path)))
