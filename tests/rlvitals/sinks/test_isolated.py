"""A sink that may fail without hurting anybody."""

import pytest

from rlvitals.records import Record, Scalars
from rlvitals.sinks import Isolated, MemorySink, Sink
from rlvitals.testing.sinks import SinkContract

RECORD = Scalars(time=1.0, step=1, category="mine", values={"x": 1})


class Panic(BaseException):
    """As a Rust extension raises it."""


class Moody(MemorySink):
    """Fails while it has an error for the method that is called."""

    def __init__(self, **errors: BaseException) -> None:
        super().__init__()
        self.errors = errors

    def write(self, record: Record) -> None:
        self._fail("write")
        super().write(record)

    def flush(self) -> None:
        self._fail("flush")

    def close(self) -> None:
        super().close()
        self._fail("close")

    def _fail(self, verb: str) -> None:
        if verb in self.errors:
            raise self.errors[verb]


def isolated(sink: Sink) -> tuple[Isolated, list[str]]:
    told: list[str] = []
    return Isolated(sink, lambda name, what: told.append(f"{name} {what}")), told


class TestContract(SinkContract):
    def make_sink(self) -> Sink:
        return isolated(MemorySink())[0]

    def taken(self, sink: Sink) -> list[Record]:
        assert isinstance(sink, Isolated)
        assert isinstance(sink.to, MemorySink)
        return list(sink.to.records)


class TestContractOfOneThatFails(SinkContract):
    """Whatever the sink inside does, the contract is held."""

    kinds = frozenset()

    def make_sink(self) -> Sink:
        return isolated(Moody(write=OSError(), flush=Panic(), close=SystemExit()))[0]

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def test_a_failure_is_counted_and_told_once() -> None:
    """Each failure counts; the first is told, with what was raised."""

    sink, told = isolated(Moody(write=OSError("no route")))
    for _ in range(100):
        sink.write(RECORD)
    assert sink.failures == 100
    assert told == ["Moody failed, and is passed over while it does: OSError: no route"]
    assert str(sink.last_error) == "no route"


def test_recovery_is_told() -> None:
    """The next record is tried all the same, and when it is taken that is told with the count."""

    moody = Moody(write=OSError("no route"))
    sink, told = isolated(moody)
    sink.write(RECORD)
    sink.write(RECORD)
    moody.errors.clear()
    sink.write(RECORD)
    assert told[1:] == ["Moody works again; it failed 2 times so far"]
    assert (sink.last_error, len(moody.records)) == (None, 1)


def test_a_flush_is_no_sign_that_writing_works() -> None:
    """A sink that fails on every record and has nothing to flush is failing all the time."""

    sink, told = isolated(Moody(write=OSError("no route")))
    for _ in range(3):
        sink.write(RECORD)
        sink.flush()
    assert len(told) == 1
    assert sink.last_error is not None


def test_a_write_is_no_sign_that_flushing_works() -> None:
    """A sink that buffers records and cannot send them is failing all the time."""

    sink, told = isolated(Moody(flush=OSError("no route")))
    for _ in range(3):
        sink.write(RECORD)
        sink.flush()
    assert len(told) == 1
    assert sink.last_error is not None


def test_one_that_fails_now_and_then_is_told_of_ever_more_rarely() -> None:
    """A sink that fails on every second record of a thousand is reported nine times, not a thousand."""

    moody = Moody()
    sink, told = isolated(moody)
    for place in range(1_000):
        moody.errors = {"write": OSError("late step")} if place % 2 else {}
        sink.write(RECORD)
    assert sink.failures == 500
    assert sum("failed, and is" in what for what in told) == 9  # at 1, 2, 4, ... 256 failures
    assert sum("works again" in what for what in told) == 9


@pytest.mark.parametrize("error", [Panic("unwrap on None"), SystemExit(1), GeneratorExit()], ids=repr)
def test_a_panic_is_contained(error: BaseException) -> None:
    """What is no Exception does not get out either."""

    sink, told = isolated(Moody(write=error, close=error))
    sink.write(RECORD)
    sink.close()
    assert sink.failures == 2
    assert told == [f"Moody failed, and is passed over while it does: {type(error).__name__}: {error}"]


def test_the_users_interrupt_gets_through() -> None:
    """Ctrl-C in a sink that was composed in the main thread stops the program, as it should."""

    sink, told = isolated(Moody(write=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        sink.write(RECORD)
    assert told == []
