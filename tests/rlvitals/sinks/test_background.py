"""A sink behind a thread of its own."""

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
"""How long `close` may wait in a test for a sink that will never answer."""
LONG_S = 30.0
"""More than anything that does answer takes."""


def record(step: int = 1) -> Scalars:
    return Scalars(time=1.0, step=step, category="mine", values={})


class Gate(MemorySink):
    """Hangs in `write` until it is let go."""

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
    """Hangs in `flush` until it is let go."""

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
    """As a Rust extension raises it."""


class Failing(MemorySink):
    """Fails on every record, in the worst way."""

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
    """A background whose thread is stuck on its first record."""
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
    """As the recorder composes them."""

    def make_sink(self) -> Sink:
        return Background(Isolated(MemorySink(), lambda *_: None))

    def taken(self, sink: Sink) -> list[Record]:
        assert isinstance(sink, Background)
        assert isinstance(sink.to, Isolated)
        assert isinstance(sink.to.to, MemorySink)
        return list(sink.to.to.records)


class TestContractOfOneThatPanics(SinkContract):
    """Whatever the sink inside does, the contract is held."""

    kinds = frozenset()

    def make_sink(self) -> Sink:
        return Background(Failing())

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def test_a_sink_that_hangs_does_not_hold_up_a_write(gate: Gate) -> None:
    """Records are queued while the sink is stuck, and reach it in order when it goes on."""

    sink = hanging(gate, close_s=LONG_S)
    for step in range(1, 50):
        sink.write(record(step))
    assert sink.waiting == 49
    gate.open.set()
    sink.close()
    assert [taken.step for taken in gate.records if isinstance(taken, Scalars)] == list(range(50))
    assert sink.dropped == 0


def test_a_sink_that_hangs_does_not_hold_up_another(gate: Gate) -> None:
    """Each sink has its own queue and thread."""

    stuck, other = hanging(gate), Background(MemorySink(), close_s=LONG_S)
    other.write(record())
    other.close()
    assert isinstance(other.to, MemorySink)
    assert (len(other.to.records), len(gate.records)) == (1, 0)
    stuck.close()


def test_closing_gives_up_on_a_sink_that_hangs(gate: Gate) -> None:
    """What it did not get is counted: the record that it is stuck on, and those in the queue."""

    sink = hanging(gate)
    for step in range(1, 5):
        sink.write(record(step))
    sink.close()
    assert (sink.dropped, sink.waiting) == (5, 0)
    with pytest.raises(ClosedError, match="Gate is closed"):
        sink.write(record())


def test_a_sink_that_was_given_up_is_closed_when_it_comes_back(gate: Gate) -> None:
    """The thread ends by itself, and closes the sink; what was given up is not written late."""

    sink = hanging(gate)
    sink.write(record(1))
    sink.close()
    gate.open.set()
    assert ended(sink)
    assert gate.closed
    assert [taken.step for taken in gate.records if isinstance(taken, Scalars)] == [0]


def test_a_flood_is_dropped_and_counted(gate: Gate) -> None:
    """Beyond the capacity records are dropped; the first ones in the queue are kept."""

    sink = hanging(gate, capacity=10, close_s=LONG_S)
    for step in range(1, 1_001):
        sink.write(record(step))
    assert (sink.waiting, sink.dropped) == (10, 990)
    gate.open.set()
    sink.close()
    assert [taken.step for taken in gate.records if isinstance(taken, Scalars)] == list(range(11))
    assert sink.dropped == 990


def test_flush_waits_for_what_was_queued() -> None:
    """When it returns, the sink has all records, and was flushed itself."""

    gate = Gate()
    gate.open.set()
    sink = Background(gate)
    for step in range(500):
        sink.write(record(step))
    sink.flush(LONG_S)
    assert (len(gate.records), gate.flushed, sink.waiting) == (500, 1, 0)
    sink.close()


def test_flush_does_not_wait_for_ever(gate: Gate) -> None:
    """A sink that hangs costs a flush no more than its time limit, and the next flush too."""

    sink = hanging(gate)
    sink.flush(SOON_S)
    sink.flush(SOON_S)
    assert gate.flushed == 0
    sink.close()


def test_a_flush_is_not_answered_by_the_end_of_an_earlier_one() -> None:
    """A flush that somebody gave up on, and that ends later, does not let one go that was asked for since."""

    slow = SlowFlush()
    sink = Background(slow, close_s=LONG_S)
    sink.flush(0.0)
    assert slow.reached.wait(LONG_S)
    sink.write(record())
    done: SimpleQueue[None] = SimpleQueue()
    sink._flushes.append(done)  # as `flush` does before it waits
    slow.open.set()
    done.get(timeout=LONG_S)
    assert (slow.flushed, len(slow.records)) == (2, 1)
    sink.close()


def test_flush_ends_though_others_go_on_writing(gate: Gate) -> None:
    """A flush owes what was queued when it was asked for, not what a writer that never stops goes on to queue."""

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


def test_flush_after_closing_returns_at_once() -> None:
    """With nobody left to answer it does not wait for an answer."""

    sink = Background(MemorySink())
    sink.close()
    waiting = threading.Thread(target=sink.flush, args=(sys.maxsize,), daemon=True)
    waiting.start()
    waiting.join(LONG_S)
    assert not waiting.is_alive()


def test_a_sink_that_panics_does_not_end_the_thread() -> None:
    """Without an `Isolated` between, each record that it fails on is counted, and the next is tried."""

    sink = Background(Failing(), close_s=LONG_S)
    for step in range(10):
        sink.write(record(step))
    sink.flush(LONG_S)
    assert sink._thread.is_alive()
    sink.close()
    assert sink.dropped == 10


def test_many_writers_lose_nothing() -> None:
    """Eight threads write at once: every record arrives, each thread's in its order."""

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


def test_what_comes_while_another_thread_closes_is_counted() -> None:
    """A record that passed the gate just before it shut is not lost in silence."""

    sink = Background(MemorySink(), close_s=LONG_S)
    sink.close()
    sink._queue.append(record())  # as `write` does, between its two lines
    assert sink.dropped == 1


def test_abandoning_forgets_the_queue(gate: Gate) -> None:
    """The child of a fork writes nothing of its parent's, and takes nothing more."""

    sink = hanging(gate)
    sink.write(record(1))
    sink.abandon()
    assert sink.waiting == 0
    with pytest.raises(ClosedError):
        sink.write(record())
    sink.flush(LONG_S)
    sink.close()


class Closing(MemorySink):
    """Flushes and closes the very background that it is behind, as a sink of the user's may that ends the training."""

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


def test_a_sink_may_close_what_it_is_behind() -> None:
    """It waits for itself neither in vain nor at all; what is queued is written before the end."""
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
