"""Scripts that run in a process of their own, recorded by `rlvitals run`."""

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from rlvitals.runs import Run

Recorded = Callable[..., "Script"]


class Script(NamedTuple):
    """What a script printed, and the runs that were recorded, oldest first."""

    code: int
    out: str
    err: str
    runs: list[Run]
    folder: Path


def run_script(folder: Path, text: str) -> Script:
    script = folder / "train.py"
    script.write_text(text)
    command = [sys.executable, "-m", "rlvitals", "run", "--", sys.executable, str(script)]
    quiet = {**os.environ, "WANDB_MODE": "offline", "WANDB_SILENT": "true"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=quiet)
    paths = sorted((folder / "logs").glob("*/run.json"), key=lambda path: Run(path.parent).header.started)
    return Script(done.returncode, done.stdout, done.stderr, [Run(path.parent) for path in paths], folder)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Function that runs a script under `rlvitals run` in a folder of its own, once per text."""
    return functools.cache(lambda text: run_script(tmp_path_factory.mktemp("script"), text))


@pytest.fixture
def recorded_in(tmp_path: Path) -> Recorded:
    """Function that runs a script under `rlvitals run` in the folder of the test."""
    return functools.partial(run_script, tmp_path)
