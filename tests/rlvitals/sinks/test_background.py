"""Writing to a sink from a separate thread."""

import sys
import threading
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from rlvitals.errors import ClosedError
from rlvitals.records import Record, Scalars
from rlvitals.sinks import Background, Isolated, MemorySink, Sink
from rlvitals.testing.sinks import SinkContract

SOON_S = 0.05
"""Seconds that `close` waits in a test for a sink that never returns."""
LONG_S = 30.0
"""Seconds longer than any call that returns."""


def record(step: int = 1) -> Scalars:
    return Scalars(time=1.0, step=step, category="mine", values={})


class Gate(MemorySink):
    """Sink whose `write` hangs until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.open = threading.Event()
        self.flushed = 0

    def write(self, record: Record) -> None:
        self.reached.set()
        assert self.open.wait(LONG_S)
        super().write(record)

    def flush(self) -> None:
        self.flushed += 1


class SlowFlush(MemorySink):
    """Sink whose `flush` hangs until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.open = threading.Event()
        self.flushed = 0

    def flush(self) -> None:
        self.reached.set()
        assert self.open.wait(LONG_S)
        self.flushed += 1


class Panic(BaseException):
    """Error like a panic of a Rust extension."""


class Failing(MemorySink):
    """Sink whose methods panic."""

    def write(self, record: Record) -> None:
        raise Panic(f"unwrap on None at {record}")

    def flush(self) -> None:
        raise Panic("in flush")

    def close(self) -> None:
        super().close()
        raise Panic("in close")


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open.set()


def hanging(gate: Gate, *, capacity: int = 100, close_s: float = SOON_S) -> Background:
    """Return a background sink whose thread hangs on its first record."""
    sink = Background(gate, capacity=capacity, close_s=close_s)
    sink.write(record(0))
    assert gate.reached.wait(LONG_S)
    return sink


def ended(sink: Background) -> bool:
    sink._thread.join(LONG_S)
    return not sink._thread.is_alive()


class TestContract(SinkContract):
    def make_sink(self) -> Sink:
        return Background(MemorySink())

    def taken(self, sink: Sink) -> list[Record]:
        assert isinstance(sink, Background)
        assert isinstance(sink.to, MemorySink)
        return list(sink.to.records)


class TestContractOfTheWholeStack(SinkContract):
    """The wrappers in the order used by the recorder."""

    def make_sink(self) -> Sink:
        return Background(Isolated(MemorySink(), lambda *_: None))

    def taken(self, sink: Sink) -> list[Record]:
        assert isinstance(sink, Background)
        assert isinstance(sink.to, Isolated)
        assert isinstance(sink.to.to, MemorySink)
        return list(sink.to.to.records)


class TestContractOfOneThatPanics(SinkContract):
    """The wrapper satisfies the contract even if the wrapped sink panics."""

    kinds = frozenset()

    def make_sink(self) -> Sink:
        return Background(Failing())

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def test_a_sink_that_hangs_does_not_block_a_write(gate: Gate) -> None:
    """Records are queued while the sink hangs, and are written in order when it continues."""

    sink = hanging(gate, close_s=LONG_S)
    for step in range(1, 50):
        sink.write(record(step))
    assert sink.waiting == 49
    gate.open.set()
    sink.close()
    assert [taken.step for taken in gate.records if isinstance(taken, Scalars)] == list(range(50))
    assert sink.dropped == 0


def test_a_sink_that_hangs_does_not_block_another(gate: Gate) -> None:
    """Each sink has its own queue and thread."""

    stuck, other = hanging(gate), Background(MemorySink(), close_s=LONG_S)
    other.write(record())
    other.close()
    assert isinstance(other.to, MemorySink)
    assert (len(other.to.records), len(gate.records)) == (1, 0)
    stuck.close()


def test_closing_abandons_a_sink_that_hangs(gate: Gate) -> None:
    """The record that is being written and the queued records count as dropped."""

    sink = hanging(gate)
    for step in range(1, 5):
        sink.write(record(step))
    sink.close()
    assert (sink.dropped, sink.waiting) == (5, 0)
    with pytest.raises(ClosedError, match="Gate is closed"):
        sink.write(record())


def test_an_abandoned_sink_is_closed_when_it_continues(gate: Gate) -> None:
    """The thread closes the sink and ends, and dropped records are not written late."""

    sink = hanging(gate)
    sink.write(record(1))
    sink.close()
    gate.open.set()
    assert ended(sink)
    assert gate.closed
    assert [taken.step for taken in gate.records if isinstance(taken, Scalars)] == [0]


def test_records_beyond_the_capacity_are_dropped_and_counted(gate: Gate) -> None:
    """The records that are already in the queue are kept."""

    sink = hanging(gate, capacity=10, close_s=LONG_S)
    for step in range(1, 1_001):
        sink.write(record(step))
    assert (sink.waiting, sink.dropped) == (10, 990)
    gate.open.set()
    sink.close()
    assert [taken.step for taken in gate.records if isinstance(taken, Scalars)] == list(range(11))
    assert sink.dropped == 990


def test_flush_waits_for_the_queued_records() -> None:
    """When it returns, the wrapped sink has all records and has been flushed."""

    gate = Gate()
    gate.open.set()
    sink = Background(gate)
    for step in range(500):
        sink.write(record(step))
    sink.flush(LONG_S)
    assert (len(gate.records), gate.flushed, sink.waiting) == (500, 1, 0)
    sink.close()


def test_flush_does_not_wait_forever(gate: Gate) -> None:
    """With a sink that hangs, each flush returns after its time limit."""

    sink = hanging(gate)
    sink.flush(SOON_S)
    sink.flush(SOON_S)
    assert gate.flushed == 0
    sink.close()


def test_a_flush_is_not_answered_by_the_end_of_an_earlier_one() -> None:
    """An earlier flush that timed out and ends late does not release a later flush."""

    slow = SlowFlush()
    sink = Background(slow, close_s=LONG_S)
    sink.flush(0.0)
    assert slow.reached.wait(LONG_S)
    sink.write(record())
    done: SimpleQueue[None] = SimpleQueue()
    sink._flushes.append(done)  # like `flush` before it waits
    slow.open.set()
    done.get(timeout=LONG_S)
    assert (slow.flushed, len(slow.records)) == (2, 1)
    sink.close()


def test_flush_ends_while_other_threads_write(gate: Gate) -> None:
    """A flush waits for the records queued before it, and not for those queued later."""

    gate.open.set()
    sink = Background(gate, close_s=LONG_S)
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            sink.write(record())

    writer = threading.Thread(target=flood)
    writer.start()
    sink.flush(LONG_S)
    flushed = gate.flushed
    stop.set()
    writer.join(LONG_S)
    sink.close()
    assert flushed == 1


def test_flush_after_close_returns_immediately() -> None:
    """It does not wait for the thread, which has ended."""

    sink = Background(MemorySink())
    sink.close()
    waiting = threading.Thread(target=sink.flush, args=(sys.maxsize,), daemon=True)
    waiting.start()
    waiting.join(LONG_S)
    assert not waiting.is_alive()


def test_a_sink_that_panics_does_not_end_the_thread() -> None:
    """Without an `Isolated` wrapper, each failed record is counted, and the next one is written."""

    sink = Background(Failing(), close_s=LONG_S)
    for step in range(10):
        sink.write(record(step))
    sink.flush(LONG_S)
    assert sink._thread.is_alive()
    sink.close()
    assert sink.dropped == 10


def test_concurrent_writers_lose_no_records() -> None:
    """All records of eight concurrent threads arrive, in order within each thread."""

    sink = Background(MemorySink(), close_s=LONG_S)
    begin = threading.Barrier(8)

    def write(number: int) -> None:
        begin.wait(LONG_S)
        for step in range(200):
            sink.write(record(1_000 * number + step))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    sink.close()
    assert isinstance(sink.to, MemorySink)
    steps = [taken.step for taken in sink.to.records if isinstance(taken, Scalars)]
    assert [step for number in range(8) for step in steps if step // 1_000 == number] == [
        1_000 * number + step for number in range(8) for step in range(200)
    ]


def test_a_record_queued_during_a_close_is_counted() -> None:
    """A record that was queued just after the thread ended counts as dropped."""

    sink = Background(MemorySink(), close_s=LONG_S)
    sink.close()
    sink._queue.append(record())  # like a `write` that checked `_closed` before
    assert sink.dropped == 1


def test_abandoning_clears_the_queue(gate: Gate) -> None:
    """The child of a fork does not write the parent's records, and refuses further records."""

    sink = hanging(gate)
    sink.write(record(1))
    sink.abandon()
    assert sink.waiting == 0
    with pytest.raises(ClosedError):
        sink.write(record())
    sink.flush(LONG_S)
    sink.close()


class Closing(MemorySink):
    """Sink that flushes and closes its own background wrapper, like a user's sink that ends the training."""

    def __init__(self) -> None:
        super().__init__()
        self.behind: Background | None = None
        self.errors: list[BaseException] = []

    def write(self, record: Record) -> None:
        super().write(record)
        if self.behind is not None:
            try:
                self.behind.flush(LONG_S)
                self.behind.close()
            except RuntimeError as error:
                self.errors.append(error)


def test_a_sink_can_close_its_own_wrapper() -> None:
    """It does not wait for itself, and queued records are written before the end."""
    to = Closing()
    sink = Background(to, close_s=LONG_S)
    to.behind = sink
    for step in range(3):
        sink._queue.append(record(step))  # before the thread sees the first of them
    sink.flush(LONG_S)

    assert ended(sink)
    assert to.errors == []
    assert [one.step for one in to.records if isinstance(one, Scalars)] == [0, 1, 2]
    assert to.closed
