"""What becomes of open runs when their process ends: by itself, by an exception, by a signal; or in a fork's child."""

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
from rlvitals.runs import interruption  # noqa: F401 - its exit handler has to be registered before the one below
from rlvitals.runs.header import Failure

ENDING_SIGNALS = ("SIGTERM", "SIGHUP", "SIGXCPU")
"""Signals that end a process by default and that schedulers, terminals and resource limits send.

SIGUSR1 and SIGUSR2 are not among them: frameworks that requeue jobs on those signals install their handlers only where
nobody else has.
"""

_EXIT_CODE_OF_SIGNAL = 128


class OpenRun(Protocol):
    """A run that is open for writing in this process."""

    def close(self, status: str = ..., failure: Failure | None = ...) -> None:
        """End the run."""

    def abandon(self) -> None:
        """Close its files without writing: for the child of a fork."""


class SignalWatch:
    """Ends all open runs as preempted when a terminating signal comes, and then lets the signal do what it did before.

    It is installed only where the signal has its default disposition: the handlers of users and of other libraries stay
    as they are, and may replace this one at any time.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._ending = False

    def install(self, names: Iterable[str]) -> None:
        """Take over the signals of these names, as far as this platform has them and nobody handles them.

        Python allows that in the main thread of the main interpreter only; anywhere else this does nothing.
        """
        for name in names:
            number = getattr(signal, name, None)
            if number is None or number in self._before or signal.getsignal(number) is not signal.SIG_DFL:
                continue
            if not _is_caught_by_c(number):
                with contextlib.suppress(ValueError, OSError, RuntimeError):
                    self._before[number] = signal.signal(number, self._handle)

    def remove(self) -> None:
        """Give the signals back, except those that somebody else has taken over since."""
        for number, before in list(self._before.items()):
            # In another thread this raises: the handler then stays, and has nothing to end.
            with contextlib.suppress(ValueError, OSError, RuntimeError):
                if signal.getsignal(number) == self._handle:
                    signal.signal(number, before)
                del self._before[number]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._ending:  # a second signal, while the runs are being closed
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
        # The kernel does not deliver the default action to the first process of a container.
        sys.exit(_EXIT_CODE_OF_SIGNAL + number)


def _is_caught_by_c(number: int) -> bool:
    """Whether C code handles a signal, which Python does not know of: `faulthandler.register`, MPI, a C++ runtime."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:  # not Linux
        return False
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", status, re.MULTILINE)
    return caught is not None and bool(int(caught.group(1), 16) >> (number - 1) & 1)


def check_signals(names: Any) -> None:
    """See that these are names of signals.

    Raises:
        RecordError: They are not.
    """
    known = list(names) if isinstance(names, Iterable) and not isinstance(names, str) else [None]
    names_here = {*ENDING_SIGNALS, *(one.name for one in signal.Signals)}
    if not all(isinstance(name, str) and name in names_here for name in known):
        raise RecordError(f"signals={shown(names)}: pass the names of signals, such as ('SIGTERM',), or () for none")


_open_runs: weakref.WeakSet[OpenRun] = weakref.WeakSet()
_signals = SignalWatch()
_exit = ExitWatch()


def watch(run: OpenRun, signals: Iterable[str]) -> None:
    """End a run when the process ends, if nobody has done so before.

    Args:
        run: The run.
        signals: Names of the signals that end it.
    """
    _open_runs.add(run)
    _exit.install()
    _signals.install(signals)


def unwatch(run: OpenRun) -> None:
    """Forget a run; with the last one everything that was installed in the process is removed."""
    _open_runs.discard(run)
    if not _open_runs and threading.current_thread() is threading.main_thread():
        _exit.remove()
        _signals.remove()


def exit_error() -> BaseException | None:
    """The exception that ends the interpreter, as far as its exit handlers can know; `None` if there is none."""
    error = _exit.error() or getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    return error if isinstance(error, BaseException) else None


def _close_at_exit() -> None:
    """Close what the user did not: as failed, if the interpreter ends with an exception."""
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
