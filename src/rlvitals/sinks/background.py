"""Wrapper that writes to a sink from a separate thread, so that the sink cannot slow down the training."""

import contextlib
import threading
from collections import deque
from queue import Empty, SimpleQueue

from rlvitals.errors import ClosedError
from rlvitals.records import Record
from rlvitals.sinks.sink import Sink, SinkWrapper

CAPACITY = 10_000
_POLL_S = 0.25
_CLOSE_S = 10.0


class Background(SinkWrapper):
    """Queues records, and writes them to the wrapped sink from a daemon thread.

    Each sink has its own queue and thread, so a sink that hangs blocks neither the training nor other sinks. The queue
    is bounded. Records that arrive while it is full are dropped and counted.

    Args:
        to: Sink to wrap, which can be slow.
        capacity: Maximum number of records in the queue.
        close_s: Maximum time that `close` waits for the queue to empty, in seconds. After that the sink is abandoned.
    """

    def __init__(self, to: Sink, *, capacity: int = CAPACITY, close_s: float = _CLOSE_S) -> None:
        super().__init__(to)
        self._capacity = capacity
        self._close_s = close_s
        self._queue: deque[Record] = deque()
        self._overflowed = 0
        self._failed = 0
        self._given_up = 0
        self._writing = False
        # The thread polls the queue, because waking it for each record would cost the training more than the record
        # itself. `write` wakes it only when the queue is half full.
        # Both signals use queues: a signal handler must not set a `threading.Event` that is being set at that moment.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._flushes: deque[SimpleQueue[None]] = deque()
        self._closed = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"rlvitals-{to.name}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Number of records in the queue."""
        return len(self._queue)

    @property
    def dropped(self) -> int:
        """Number of records not written: the queue was full, the sink raised, or the sink was abandoned."""
        # Records queued while another thread was closing remain in the queue, which is no longer processed.
        late = len(self._queue) if self._ended else 0
        return self._overflowed + self._failed + self._given_up + late

    def write(self, record: Record) -> None:
        """Queue a record, or count it as dropped if the queue is full.

        Raises:
            ClosedError: The sink is closed.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        if len(self._queue) < self._capacity:
            self._queue.append(record)
            if len(self._queue) == self._capacity // 2:
                self._wake.put(None)
        else:
            self._overflowed += 1

    def flush(self, timeout_s: float = _CLOSE_S) -> None:
        """Wait until all queued records have been written and flushed.

        If the wrapped sink itself calls this method, it does not wait, to avoid a deadlock.

        Args:
            timeout_s: Maximum wait, in seconds.
        """
        if not self._closed and threading.current_thread() is not self._thread:
            done: SimpleQueue[None] = SimpleQueue()
            self._flushes.append(done)
            self._wake.put(None)
            if not self._ended:
                with contextlib.suppress(Empty):
                    done.get(timeout=timeout_s)

    @property
    def thread(self) -> threading.Thread:
        """Thread that writes to the wrapped sink."""
        return self._thread

    def end(self) -> None:
        """Refuse further records, and let the thread write the queue and close the wrapped sink. Does not wait."""
        if not self._closed:
            self._closed = True
            self._wake.put(None)

    def close(self, timeout_s: float | None = None) -> None:
        """Write the queued records, then close the wrapped sink. A sink that hangs is abandoned.

        The records of an abandoned sink count as dropped. If the wrapped sink itself calls this method, it does not
        wait. The thread completes the work after that call.

        Args:
            timeout_s: Maximum wait, in seconds. Default: `close_s`.
        """
        self.end()
        if self._ended or threading.current_thread() is self._thread:
            return
        self._thread.join(self._close_s if timeout_s is None else timeout_s)
        if self._thread.is_alive():
            self._given_up = len(self._queue) + self._writing
            self._queue.clear()
            self._ended = True

    def abandon(self) -> None:
        """Clear the queue, in the child of a fork, where the thread does not exist."""
        self._closed = self._ended = True
        self._queue.clear()
        self._flushes.clear()

    def _run(self) -> None:
        while not self._closed:
            with contextlib.suppress(Empty):
                self._wake.get(timeout=_POLL_S)
            self._work()
        while self._queue or self._flushes:
            self._work()
        with contextlib.suppress(BaseException):
            self.to.close()
        self._ended = True
        self._answer(len(self._flushes))

    def _work(self) -> None:
        asked = len(self._flushes)
        # A flush covers the records queued before it, and not those that other threads queue meanwhile.
        for _ in range(len(self._queue)):
            self._write_one()
        if asked:
            with contextlib.suppress(BaseException):
                self.to.flush()
            self._answer(asked)
        while self._queue and not self._flushes:
            self._write_one()

    def _write_one(self) -> None:
        # An `Isolated` sink does not raise. The error of any other sink, or a panic, must not end the thread.
        try:
            record = self._queue.popleft()
        except IndexError:  # the queue was cleared by `close` or `abandon`
            return
        self._writing = True
        try:
            self.to.write(record)
        except BaseException:  # noqa: BLE001
            self._failed += 1
        self._writing = False

    def _answer(self, count: int) -> None:
        for _ in range(count):
            self._flushes.popleft().put(None)
