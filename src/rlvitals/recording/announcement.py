"""The line printed at the start of a run: the run folder, and the commands to watch it."""

import contextlib
import os
import shlex
import sys
from pathlib import Path

from rlvitals.text_escaping import escape_control

QUIET_VARIABLE = "RLVITALS_QUIET"
"""Environment variable that turns the line off, unless it is empty or `0`."""

_TEST_VARIABLE = "PYTEST_CURRENT_TEST"
"""Set by pytest. Tests often compare the output of a program, so nothing is printed in them."""

_announced: set[Path] = set()


def announce(path: Path) -> None:
    """Print the run folder to standard error, once per run and process. Never raises.

    Prints nothing if the environment variable `RLVITALS_QUIET` is set, or inside a pytest test.

    Args:
        path: Absolute path of the run folder.
    """
    if path in _announced or os.environ.get(QUIET_VARIABLE, "0") not in {"", "0"} or _TEST_VARIABLE in os.environ:
        return
    _announced.add(path)
    with contextlib.suppress(Exception):  # standard error can be closed, or replaced with any object
        if sys.stderr is not None:  # None under pythonw; `print` would then use standard output
            print(_line(path), file=sys.stderr, flush=True)  # noqa: T201 - logging hides this line by default


def _line(path: Path) -> str:
    run, folder = _typed(path), _typed(path.parent)
    return f"rlvitals: recording to {run} (watch it: rlvitals watch {run}, or rlvitals ui {folder})"


def _typed(path: Path) -> str:
    """Return a path as a user would type it in the current folder."""
    here = Path.cwd()
    return escape_control(shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path)))
