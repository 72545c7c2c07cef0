"""Closing of open runs when their process ends (normally, by an exception or by a signal), and in forked children."""

import atexit
import contextlib
import os
import re
import signal
import sys
import threading
import weakref
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from rlvitals.errors import RecordError
from rlvitals.recording.exit_code import ExitWatch
from rlvitals.recording.failure import Terminated, ending_of
from rlvitals.records.coercion import shown
from rlvitals.runs import interruption  # noqa: F401 - its exit handler must be registered before the one below
from rlvitals.runs.header import Failure

ENDING_SIGNALS = ("SIGTERM", "SIGHUP", "SIGXCPU")
"""Signals that end a process by default and are sent by schedulers, terminals and resource limits.

SIGUSR1 and SIGUSR2 are excluded. Frameworks that requeue jobs on these signals install their handlers only if the
signals have none.
"""

_EXIT_CODE_OF_SIGNAL = 128


class OpenRun(Protocol):
    """A run that is open for writing in this process."""

    def close(self, status: str = ..., failure: Failure | None = ...) -> None:
        """End the run."""

    def abandon(self) -> None:
        """Close the run's files without writing, in the child of a fork."""


class SignalWatch:
    """Signal handler that ends all open runs as preempted, and then lets the signal take its default effect.

    It is installed only for signals with the default disposition. Handlers of users and other libraries are left
    unchanged, and can replace this one at any time.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._ending = False

    def install(self, names: Iterable[str]) -> None:
        """Handle the named signals that exist on this platform and have no handler yet.

        Python allows this only in the main thread of the main interpreter. In other threads, this does nothing.

        Args:
            names: Signal names, such as `SIGTERM`.
        """
        for name in names:
            number = getattr(signal, name, None)
            if number is None or number in self._before or signal.getsignal(number) is not signal.SIG_DFL:
                continue
            if not _is_caught_by_c(number):
                with contextlib.suppress(ValueError, OSError, RuntimeError):
                    self._before[number] = signal.signal(number, self._handle)

    def remove(self) -> None:
        """Restore the previous handlers, except for signals that other code has handled since."""
        for number, before in list(self._before.items()):
            # In another thread this raises. The handler then stays installed, with no run to end.
            with contextlib.suppress(ValueError, OSError, RuntimeError):
                if signal.getsignal(number) == self._handle:
                    signal.signal(number, before)
                del self._before[number]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._ending:  # a second signal arrived while the runs are being closed
            return
        self._ending = True
        name = signal.Signals(number).name
        before = self._before.get(number, signal.SIG_DFL)
        try:
            for run in list(_open_runs):
                run.close(*ending_of(Terminated(name)))
        finally:
            self._ending = False
            signal.signal(number, before)
            os.kill(os.getpid(), number)
        # The kernel does not apply the default action to the first process of a container.
        sys.exit(_EXIT_CODE_OF_SIGNAL + number)


def _is_caught_by_c(number: int) -> bool:
    """Return whether C code handles a signal, unknown to Python: `faulthandler.register`, MPI, a C++ runtime."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:  # not Linux
        return False
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", status, re.MULTILINE)
    return caught is not None and bool(int(caught.group(1), 16) >> (number - 1) & 1)


def check_signals(names: Any) -> None:
    """Check that the names are signal names.

    Args:
        names: Signal names, such as `SIGTERM`.

    Raises:
        RecordError: A name is not a signal of this platform.
    """
    known = list(names) if isinstance(names, Iterable) and not isinstance(names, str) else [None]
    names_here = {*ENDING_SIGNALS, *(one.name for one in signal.Signals)}
    if not all(isinstance(name, str) and name in names_here for name in known):
        raise RecordError(f"signals={shown(names)}: must be signal names, such as ('SIGTERM',), or () for none")


_open_runs: weakref.WeakSet[OpenRun] = weakref.WeakSet()
_signals = SignalWatch()
_exit = ExitWatch()


def watch(run: OpenRun, signals: Iterable[str]) -> None:
    """End a run when the process ends, unless it has been closed before.

    Args:
        run: Open run.
        signals: Names of the signals that end it.
    """
    _open_runs.add(run)
    _exit.install()
    _signals.install(signals)


def unwatch(run: OpenRun) -> None:
    """Stop watching a run. After the last run, remove everything that was installed in the process."""
    _open_runs.discard(run)
    if not _open_runs and threading.current_thread() is threading.main_thread():
        _exit.remove()
        _signals.remove()


def exit_error() -> BaseException | None:
    """Return the exception that ends the interpreter, or `None` if there is none or exit handlers cannot find it."""
    error = _exit.error() or getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return error if isinstance(error, BaseException) else None


def _close_at_exit() -> None:
    """Close the runs that the user left open, as failed if the interpreter ends with an exception."""
    ending = ending_of(exit_error())
    for run in list(_open_runs):
        run.close(*ending)


def _abandon_in_child() -> None:
    for run in list(_open_runs):
        run.abandon()
        _open_runs.discard(run)
    _exit.remove()
    _signals.remove()


atexit.register(_close_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_in_child)
