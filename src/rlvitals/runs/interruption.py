"""Reading that another thread can interrupt, so that no thread is inside the database when the interpreter exits.

A daemon thread that comes back from C++ while the interpreter is being finalised is ended by `pthread_exit`, which
unwinds DuckDB's frames and aborts the whole process: a completed training would end with SIGABRT. So every use of the
database is registered here. At exit, after all runs have been closed, uses by other threads are interrupted until they
are over, and new ones are refused.

This module does not load DuckDB: a trainer that reads nothing must not pay for it.
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
"""Most seconds to wait at exit. A use that outlasts this is blocked in the kernel and does not come back in time."""


class Connection(Protocol):
    """What is needed of a database connection."""

    def interrupt(self) -> None:
        """Interrupt the query that runs at this moment, if there is one."""


class Use:
    """One thread's use of the database: from before it is opened until it is closed."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.ident = threading.get_ident()
        self.connection: Connection | None = None

    def attach(self, connection: Connection | None) -> None:
        """Name the connection that an interruption reaches; `None` before it is closed, as both at once would crash."""
        _uses.attach(self, connection)


class _Uses:
    """All uses of the database in this process. Safe from any thread and from signal handlers."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin without any use: also in the child of a fork, in which the threads of its parent do not exist."""
        self._lock = threading.RLock()
        self._uses: set[Use] = set()
        self._stopped: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self._exiting: int | None = None

    def begin(self) -> Use:
        use = Use()
        with self._lock:
            if use.thread in self._stopped or self._exiting not in {None, use.ident}:
                raise ReadInterruptedError(
                    "reading was interrupted: the run or the interpreter is closing; read again after the close"
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
        """Interrupt what a thread reads, and refuse it to read more."""
        with self._lock:
            self._stopped.add(thread)
            self._interrupt([use for use in list(self._uses) if use.thread is thread])

    def leave(self, timeout_s: float) -> None:
        """Interrupt the uses of all other threads until they are over."""
        self._exiting = threading.get_ident()
        deadline = time.monotonic() + timeout_s
        while self._interrupt_others() and time.monotonic() < deadline:
            time.sleep(_POLL_S)

    def _interrupt_others(self) -> bool:
        """Interrupt again and again: an interruption between two queries does not reach the next one."""
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
    """Register the calling thread as a user of the database, also while it only loads it.

    Raises:
        ReadInterruptedError: The thread may not read any more.
    """
    use = _uses.begin()
    try:
        yield use
    finally:
        _uses.end(use)


def stop_reading(thread: threading.Thread) -> None:
    """Interrupt what a thread reads, and refuse it to read more; call it again until the thread is over."""
    _uses.stop(thread)


# Registered when this module is loaded, which is before the recorder registers its own: handlers run in reverse order,
# so this one runs when all runs are closed.
atexit.register(_uses.leave, _PATIENCE_S)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_uses.forget)
