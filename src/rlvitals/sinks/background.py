"""A sink behind a thread of its own, so that it cannot slow the training."""

import contextlib
import threading
import time
from collections import deque

from rlvitals.errors import ClosedError
from rlvitals.records import Record
from rlvitals.sinks.base import Sink, SinkWrapper

CAPACITY = 10_000
_POLL_S = 0.05
_CLOSE_S = 10.0


class Background(SinkWrapper):
    """Queues records, and writes them to the wrapped sink from a daemon thread.

    Each sink has its own queue and thread, so that one that hangs keeps nobody waiting: neither the training nor the
    other sinks. The queue is bounded: what comes while it is full is dropped and counted.

    Args:
        to: The sink that may be slow.
        capacity: Most records in the queue.
        close_s: How long `close` waits for the queue to empty before it gives the sink up.
    """

    def __init__(self, to: Sink, *, capacity: int = CAPACITY, close_s: float = _CLOSE_S) -> None:
        super().__init__(to)
        self.dropped = 0
        self._capacity = capacity
        self._close_s = close_s
        self._queue: deque[Record] = deque()
        # No signal is sent on `write`: the thread looks by itself, 20 times a second. Waking another thread for each
        # record would cost the training more than the record itself.
        self._stopping = threading.Event()
        self._idle = threading.Event()
        self._flushing = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"rlvitals-{to.name}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Records in the queue."""
        return len(self._queue)

    def write(self, record: Record) -> None:
        """Queue a record, or count it as dropped if the queue is full.

        Raises:
            ClosedError: The sink is closed.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        if len(self._queue) < self._capacity:
            self._queue.append(record)
        else:
            self.dropped += 1

    def flush(self, timeout_s: float = _CLOSE_S) -> None:
        """Wait until all that was queued has been written and flushed, but no longer than `timeout_s` seconds."""
        self._idle.clear()
        self._flushing.set()
        self._idle.wait(timeout_s)

    def close(self) -> None:
        """Write what is queued, then close the wrapped sink; give up on a sink that hangs, and count what is left."""
        if self._closed:
            return
        self._closed = True
        self._stopping.set()
        self._flushing.set()
        self._thread.join(self._close_s)
        self.dropped += len(self._queue)
        self._queue.clear()

    def abandon(self) -> None:
        """Forget the queue: for the child of a fork, in which the thread does not exist."""
        self._closed = True
        self._queue.clear()

    def _run(self) -> None:
        # Above an `Isolated` nothing raises; alone, an error ends up here, and must not end the thread.
        while not self._stopping.is_set():
            self._flushing.wait(_POLL_S)
            self._drain()
            if self._flushing.is_set():
                self._flushing.clear()
                self._drain()
                with contextlib.suppress(Exception):
                    self.to.flush()
                self._idle.set()
        self._drain()
        with contextlib.suppress(Exception):
            self.to.close()
        self._idle.set()

    def _drain(self) -> None:
        deadline = time.monotonic() + self._close_s if self._closed else None
        while self._queue:
            if deadline is not None and time.monotonic() > deadline:
                return
            with contextlib.suppress(Exception):
                self.to.write(self._queue.popleft())
