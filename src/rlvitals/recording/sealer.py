"""Sealing of full segments in a separate process, so that it does not slow down the training."""

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from rlvitals.recording.budget import Budget

_log = logging.getLogger("rlvitals")
_SOURCE = Path(__file__).parents[2]
_SHOWN = 2_000


class Sealer:
    """Runs `rlvitals.runs.sealing` on segments that are no longer appended to.

    Segments that cannot be sealed remain JSON lines, which stay readable. The failure is logged once. Sealing is
    retried with the next segments and at the end of the run.
    """

    def __init__(self) -> None:
        self._waiting: list[Path] = []
        self._put_off: list[Path] = []
        self._work: list[Path] = []
        self._child: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._said = False
        self._disabled = False

    def add(self, paths: Iterable[Path]) -> None:
        """Queue segments for sealing at the next `step`."""
        self._waiting += paths

    def step(self) -> None:
        """Check the sealing process, and start one if there are queued segments."""
        if self._child is not None:
            if self._child.poll() is None:
                return
            self._finished()
        if self._waiting and not self._disabled:
            self._work, self._put_off, self._waiting = [*self._put_off, *self._waiting], [], []
            self._start()

    def finish(self, timeout_s: float) -> None:
        """Seal the remaining segments and wait. A process that takes longer continues on its own.

        Args:
            timeout_s: Maximum wait, in seconds.
        """
        budget = Budget(timeout_s)
        self._wait(budget.left())
        self._waiting, self._put_off = [*self._put_off, *self._waiting], []
        self.step()
        self._wait(budget.left())

    def forget(self) -> None:
        """Drop the queue and the process, in the child of a fork. The parent owns them."""
        if self._child is not None:
            self._child.returncode = 0  # only the parent can wait for it
        self._waiting, self._put_off, self._child, self._disabled = [], [], None, True
        self._forget_errors()

    def _wait(self, timeout_s: float) -> None:
        if self._child is None:
            return
        try:
            self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            _log.info("sealing of %d segments continues in process %d", len(self._work), self._child.pid)
            _orphans.append(self._child)
            self._child = None
            self._forget_errors()
        else:
            self._finished()

    def _start(self) -> None:
        # The package can be importable only in this process (a checkout, a notebook), so the child gets its path.
        search = os.pathsep.join(filter(None, (str(_SOURCE), os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-P", "-m", "rlvitals.runs.sealing", *(str(path.absolute()) for path in self._work)]
        try:
            # A file, not a pipe, because the child can outlive the training.
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the child has finished
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env={**os.environ, "PYTHONPATH": search},
            )
        except (OSError, RuntimeError) as error:  # no process can be started, or the interpreter is shutting down
            self._forget_errors()
            self._fail(self._work, str(error))

    def _finished(self) -> None:
        code, self._child = self._child.returncode if self._child else 0, None
        reason = f"exit code {code}"
        if self._errors is not None:
            with contextlib.suppress(OSError):
                self._errors.seek(0)
                reason = self._errors.read(_SHOWN).decode(errors="replace").strip() or reason
            self._forget_errors()
        left = [path for path in self._work if path.exists()]
        if code and left:
            self._fail(left, reason)
        elif not code:
            self._said = False

    def _forget_errors(self) -> None:
        if self._errors is not None:
            self._errors.close()
            self._errors = None

    def _fail(self, segments: list[Path], why: str) -> None:
        self._put_off += segments
        if not self._said:
            self._said = True
            _log.warning(
                "cannot seal %d segments (%s); keeping them as JSON lines, which are slower to read", len(segments), why
            )


_orphans: list[subprocess.Popen[bytes]] = []
"""Processes that were not waited for to the end. Keeping the objects avoids a `ResourceWarning`."""
