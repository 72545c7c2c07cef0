"""The monitor's dashboard during a training."""

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
    """Show the runs of a folder in a browser while the block is active, in a separate process.

    If the dashboard cannot start, the reason is printed and the block continues without it.

    Args:
        console: Console for the address.
        log_dir: Folder of runs.
        wanted: Whether to show the dashboard.
    """
    if not wanted:
        yield
        return
    log_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "rlvitals", "ui", str(log_dir), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            # The first line is the address, or the reason why the dashboard cannot start.
            console.print((server.stdout.readline() if server.stdout else "").strip(), highlight=False)
            yield
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(_END_S)
            server.kill()
