"""A sink behind a thread of its own, so that it cannot slow the training."""

import contextlib
import threading
from collections import deque
from queue import Empty, SimpleQueue

from rlvitals.errors import ClosedError
from rlvitals.records import Record
from rlvitals.sinks.sink import Sink, SinkWrapper

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
        self._capacity = capacity
        self._close_s = close_s
        self._queue: deque[Record] = deque()
        self._overflowed = 0
        self._failed = 0
        self._given_up = 0
        self._writing = False
        # No signal is sent on `write`: the thread looks by itself, 20 times a second. Waking another thread for each
        # record would cost the training more than the record itself.
        # Both are told of by queues, as an event must not be set by a signal handler that came while it was being set.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._flushes: deque[SimpleQueue[None]] = deque()
        self._closed = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"rlvitals-{to.name}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Records in the queue."""
        return len(self._queue)

    @property
    def dropped(self) -> int:
        """Records that the wrapped sink did not get: the queue was full, it raised, or it was given up."""
        # What a thread queued while another one was closing is in the queue still, where nobody looks any more.
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
        else:
            self._overflowed += 1

    def flush(self, timeout_s: float = _CLOSE_S) -> None:
        """Wait until all that was queued has been written and flushed, but no longer than `timeout_s` seconds.

        Within a call of the wrapped sink it does not wait: that would be for itself.
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
        """The thread that writes to the wrapped sink."""
        return self._thread

    def end(self) -> None:
        """Take no more records, and let the thread write what is queued and close the wrapped sink. Does not wait."""
        if not self._closed:
            self._closed = True
            self._wake.put(None)

    def close(self, timeout_s: float | None = None) -> None:
        """Write what is queued, then close the wrapped sink; give up on a sink that hangs, and count what is left.

        Within a call of the wrapped sink it does not wait: its thread does the rest when that call is over.

        Args:
            timeout_s: Most seconds to wait; by default `close_s`.
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
        """Forget the queue: for the child of a fork, in which the thread does not exist."""
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
        # Whoever asks for a flush is owed what was queued by then, and not what others go on to queue meanwhile.
        for _ in range(len(self._queue)):
            self._write_one()
        if asked:
            with contextlib.suppress(BaseException):
                self.to.flush()
            self._answer(asked)
        while self._queue and not self._flushes:
            self._write_one()

    def _write_one(self) -> None:
        # Above an `Isolated` nothing raises; alone, an error (a panic too) ends up here, and must not end the thread.
        try:
            record = self._queue.popleft()
        except IndexError:  # it was given up, or abandoned
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
