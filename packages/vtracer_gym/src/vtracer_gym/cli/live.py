"""The monitor's dashboard beside a training."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

_END_S = 5.0


@contextlib.contextmanager
def dashboard(console: Console, log_dir: Path, *, wanted: bool) -> Iterator[None]:
    """Shows the runs in a folder in a browser for as long as the block lasts, in a process of its own.

    A dashboard that cannot be shown is told of, and the block goes on without it.

    Args:
        console: Where its address is printed.
        log_dir: The folder of runs.
        wanted: Whether it is shown at all.
    """
    if not wanted:
        yield
        return
    log_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "rlvitals", "ui", str(log_dir), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            # One line: the address, or why there is none.
            console.print((server.stdout.readline() if server.stdout else "").strip(), highlight=False)
            yield
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(_END_S)
            server.kill()
