"""Keeping the errors of a sink away from the training."""

import pytest

from rlvitals.records import Record, Scalars
from rlvitals.sinks import Isolated, MemorySink, Sink
from rlvitals.testing.sinks import SinkContract

RECORD = Scalars(time=1.0, step=1, category="mine", values={"x": 1})


class Panic(BaseException):
    """Error like a panic of a Rust extension."""


class Moody(MemorySink):
    """Sink that raises an error while one is set for the called method."""

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
    """The wrapper satisfies the contract even if the wrapped sink fails."""

    kinds = frozenset()

    def make_sink(self) -> Sink:
        return isolated(Moody(write=OSError(), flush=Panic(), close=SystemExit()))[0]

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def test_each_failure_is_counted_and_the_first_is_reported() -> None:
    """The report has the error."""

    sink, told = isolated(Moody(write=OSError("no route")))
    for _ in range(100):
        sink.write(RECORD)
    assert sink.failures == 100
    assert told == ["Moody failed (OSError: no route); retrying with the next record"]
    assert str(sink.last_error) == "no route"


def test_a_recovery_is_reported() -> None:
    """The next record is written again, and its success is reported with the number of failures."""

    moody = Moody(write=OSError("no route"))
    sink, told = isolated(moody)
    sink.write(RECORD)
    sink.write(RECORD)
    moody.errors.clear()
    sink.write(RECORD)
    assert told[1:] == ["Moody works again (failures until now: 2)"]
    assert (sink.last_error, len(moody.records)) == (None, 1)


def test_a_successful_flush_does_not_end_a_failure_of_write() -> None:
    """A sink that fails on every record, but can be flushed, is reported once as failing."""

    sink, told = isolated(Moody(write=OSError("no route")))
    for _ in range(3):
        sink.write(RECORD)
        sink.flush()
    assert len(told) == 1
    assert sink.last_error is not None


def test_a_successful_write_does_not_end_a_failure_of_flush() -> None:
    """A sink that buffers records, but cannot flush them, is reported once as failing."""

    sink, told = isolated(Moody(flush=OSError("no route")))
    for _ in range(3):
        sink.write(RECORD)
        sink.flush()
    assert len(told) == 1
    assert sink.last_error is not None


def test_a_sink_that_fails_repeatedly_is_reported_less_and_less_often() -> None:
    """A sink that fails on every second record of a thousand is reported nine times, not 500 times."""

    moody = Moody()
    sink, told = isolated(moody)
    for place in range(1_000):
        moody.errors = {"write": OSError("late step")} if place % 2 else {}
        sink.write(RECORD)
    assert sink.failures == 500
    assert sum("failed (" in what for what in told) == 9  # at 1, 2, 4, ... 256 failures
    assert sum("works again" in what for what in told) == 9


@pytest.mark.parametrize("error", [Panic("unwrap on None"), SystemExit(1), GeneratorExit()], ids=repr)
def test_a_panic_is_contained(error: BaseException) -> None:
    """An error that is not an Exception is caught too."""

    sink, told = isolated(Moody(write=error, close=error))
    sink.write(RECORD)
    sink.close()
    assert sink.failures == 2
    assert told == [f"Moody failed ({type(error).__name__}: {error}); retrying with the next record"]


def test_a_keyboard_interrupt_is_raised() -> None:
    """Ctrl-C stops a program that uses the sink in its main thread."""

    sink, told = isolated(Moody(write=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        sink.write(RECORD)
    assert told == []
