"""Interruption of reads by another thread, so that no thread is inside C++ when the interpreter exits.

A daemon thread that returns from C++ while the interpreter is being finalised is ended by `pthread_exit`. This unwinds
the frames of DuckDB or NumPy and aborts the whole process, so that a completed training would end with SIGABRT. Every
use of the database is therefore registered here. At exit, after all runs have been closed, uses by other threads are
interrupted until they end, new ones are refused, and threads whose reads were stopped are waited for.

This module does not load DuckDB, so that a trainer that reads nothing does not pay for it.
"""

import atexit
import os
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rlvitals.errors import ReadInterruptedError

_POLL_S = 0.01
_PATIENCE_S = 10.0
"""Maximum time to wait at exit, in seconds. A thread that takes longer is blocked in the kernel."""


class Connection(Protocol):
    """A database connection that can be interrupted."""

    def interrupt(self) -> None:
        """Interrupt the running query, if there is one."""


class Use:
    """Use of the database by one thread, from before the database is opened until it is closed."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.ident = threading.get_ident()
        self.connection: Connection | None = None

    def attach(self, connection: Connection | None) -> None:
        """Set the connection to interrupt. Pass `None` before closing it: interrupting a closing connection crashes."""
        _uses.attach(self, connection)


class _Uses:
    """All uses of the database in this process. Any thread and signal handlers can call the methods."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Remove all uses. The child of a fork calls this too, because the threads of its parent do not exist there."""
        self._lock = threading.RLock()
        self._uses: set[Use] = set()
        self._stopped: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self._exiting: int | None = None

    def begin(self) -> Use:
        use = Use()
        with self._lock:
            if use.thread in self._stopped or self._exiting not in {None, use.ident}:
                raise ReadInterruptedError(
                    "reading was interrupted because the run or the interpreter is closing; read again after the close"
                )
            self._uses.add(use)
        return use

    def attach(self, use: Use, connection: Connection | None) -> None:
        with self._lock:
            use.connection = connection

    def end(self, use: Use) -> None:
        with self._lock:
            use.connection = None
            self._uses.discard(use)

    def stop(self, thread: threading.Thread) -> None:
        """Interrupt the reads of a thread and refuse further reads."""
        with self._lock:
            self._stopped.add(thread)
            self.interrupt(thread)

    def interrupt(self, thread: threading.Thread) -> None:
        """Interrupt the running reads of a thread. Further reads are allowed."""
        with self._lock:
            self._interrupt([use for use in list(self._uses) if use.thread is thread])

    def leave(self, timeout_s: float) -> None:
        """Interrupt the uses of all other threads until they end, and wait for stopped threads."""
        self._exiting = threading.get_ident()
        deadline = time.monotonic() + timeout_s
        while (self._interrupt_others() or self._is_ending()) and time.monotonic() < deadline:
            time.sleep(_POLL_S)

    def _is_ending(self) -> bool:
        """Return whether a stopped thread is still running, such as a diagnosis that has read its data."""
        with self._lock:
            return any(thread.is_alive() and thread.ident != self._exiting for thread in self._stopped)

    def _interrupt_others(self) -> bool:
        """Interrupt the other threads once. This has no effect between two queries, so the caller repeats it."""
        alive = sys._current_frames()  # noqa: SLF001 - there is no other list of all threads
        with self._lock:
            others = [use for use in list(self._uses) if use.ident != self._exiting and use.ident in alive]
            self._interrupt(others)
        return bool(others)

    def _interrupt(self, uses: list[Use]) -> None:
        for use in uses:
            if use.connection is not None:
                use.connection.interrupt()


_uses = _Uses()


@contextmanager
def reading() -> Iterator[Use]:
    """Register the calling thread as a user of the database, also while it only loads DuckDB.

    Raises:
        ReadInterruptedError: The thread is no longer allowed to read.
    """
    use = _uses.begin()
    try:
        yield use
    finally:
        _uses.end(use)


def stop_reading(thread: threading.Thread) -> None:
    """Interrupt the reads of a thread and refuse further reads. Call this repeatedly until the thread ends."""
    _uses.stop(thread)


@contextmanager
def time_limit(seconds: float) -> Iterator[threading.Event]:
    """Interrupt the reads of the calling thread in a `with` block after a time.

    Args:
        seconds: Time limit.

    Yields:
        Event that is set when the time is over. The interrupted read raises `ReadInterruptedError`.
    """
    reader = threading.current_thread()
    is_over, is_done = threading.Event(), threading.Event()

    def watch() -> None:
        if not is_done.wait(seconds):
            is_over.set()
            while True:  # an interruption between two queries has no effect
                _uses.interrupt(reader)
                if is_done.wait(_POLL_S):
                    return

    watcher = threading.Thread(target=watch, name="rlvitals-time-limit", daemon=True)
    watcher.start()
    try:
        yield is_over
    finally:
        is_done.set()
        watcher.join()


# Exit handlers run in reverse order. This module is loaded before the recorder registers its handler, so this handler
# runs after all runs are closed.
atexit.register(_uses.leave, _PATIENCE_S)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_uses.forget)
