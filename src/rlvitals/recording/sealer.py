"""Seals full segments in a process of its own, so that the training pays nothing for it."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

_log = logging.getLogger("rlvitals")
_SOURCE = Path(__file__).parents[2]


class Sealer:
    """Starts `rlvitals.runs.sealing` on segments that nobody appends to any more.

    If that cannot be done the segments stay as lines, which are read all the same; it is said once.
    """

    def __init__(self) -> None:
        self._waiting: list[Path] = []
        self._child: subprocess.Popen[bytes] | None = None
        self._disabled = False

    def add(self, paths: Iterable[Path]) -> None:
        """Take segments to be sealed at the next `step`."""
        self._waiting += paths

    def step(self) -> None:
        """Look after the process under way; start one if there is work."""
        if self._child is not None:
            if self._child.poll() is None:
                return
            self._finished(self._child.returncode)
        if self._waiting and not self._disabled:
            work, self._waiting = self._waiting, []
            self._start(work)

    def finish(self, timeout_s: float) -> None:
        """Seal what is left, and wait for it; what takes longer goes on by itself."""
        self._wait(timeout_s)
        self.step()
        self._wait(timeout_s)

    def forget(self) -> None:
        """Drop everything: for the child of a fork, whose parent it belongs to."""
        self._waiting, self._child, self._disabled = [], None, True

    def _wait(self, timeout_s: float) -> None:
        if self._child is None:
            return
        try:
            self._finished(self._child.wait(timeout_s))
        except subprocess.TimeoutExpired:
            self._child = None

    def _start(self, segments: list[Path]) -> None:
        # The package may be on the path only here (a checkout, a notebook), so the child is told where it is.
        search = os.pathsep.join(filter(None, (str(_SOURCE), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-P", "-m", "rlvitals.runs.sealing", *(str(path.absolute()) for path in segments)]
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": search},
            )
        except (OSError, RuntimeError) as error:  # no process to be had, or the interpreter is shutting down
            self._disable(str(error))

    def _finished(self, code: int) -> None:
        self._child = None
        if code:
            self._disable(f"exit code {code}")

    def _disable(self, why: str) -> None:
        if not self._disabled:
            self._disabled = True
            _log.warning("segments cannot be sealed (%s): they stay as JSON lines, which read more slowly", why)
