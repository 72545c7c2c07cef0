"""Monitors without background activity: a manual clock, no system samples, and no automatic maintenance."""

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rlvitals.monitor import TrainingMonitor
from rlvitals.recording import RecorderSettings
from rlvitals.testing.manual_clock import ManualClock

QUIET = RecorderSettings(system_interval_s=None, fsync_interval_s=3600.0, heartbeat_s=3600.0)
_PREAMBLE = """
import contextlib, json, os, resource, shutil, signal, sys, threading
from pathlib import Path
from rlvitals import *
from rlvitals.errors import *
from rlvitals.sinks import MemorySink
from rlvitals.testing.manual_clock import ManualClock

folder = Path(sys.argv[1])
clock = ManualClock()
quiet = RecorderSettings(system_interval_s=None, fsync_interval_s=3600.0, heartbeat_s=3600.0, backlog_lines=50)

@contextlib.contextmanager
def full_disk(size=0):
    # The kernel then writes part of a line, or nothing.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

def say(**what):
    sys.stdout.write(json.dumps(what) + "\\n")
    sys.stdout.flush()
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def open_monitor(tmp_path: Path, clock: ManualClock) -> Iterator[Callable[..., TrainingMonitor]]:
    """Return a function that opens monitors in one folder. They are closed after the test."""
    opened: list[TrainingMonitor] = []

    def made(name: str | None = "run", **options: Any) -> TrainingMonitor:
        options = {"settings": QUIET, "clock": clock, **options}
        monitor = TrainingMonitor(tmp_path, session_name=name, **options)
        opened.append(monitor)
        return monitor

    yield made
    for monitor in opened:
        monitor.close()


@pytest.fixture
def in_a_process(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Return a function that runs lines in a separate interpreter, checks its exit code, and returns its output."""

    def run(lines: str, *, code: int = 0) -> list[dict[str, Any]]:
        done = subprocess.run(
            [
                sys.executable,
                "-W",
                "error",
                "-X",
                "faulthandler",
                "-c",
                _PREAMBLE + textwrap.dedent(lines),
                str(tmp_path),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run
