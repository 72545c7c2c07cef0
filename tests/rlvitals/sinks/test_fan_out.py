"""Passing each record to several sinks."""

import pytest

from rlvitals.errors import ClosedError
from rlvitals.records import Record, Scalars
from rlvitals.sinks import FanOut, MemorySink, Sink
from rlvitals.testing.sinks import SinkContract

RECORD = Scalars(time=1.0, step=1, category="mine", values={"x": 1})


class Panic(BaseException):
    """Error like a panic of a Rust extension."""


class Failing(MemorySink):
    """Sink whose methods raise an error."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def write(self, record: Record) -> None:
        del record
        raise self.error

    def flush(self) -> None:
        raise self.error

    def close(self) -> None:
        super().close()
        raise self.error


class TestContract(SinkContract):
    def make_sink(self) -> Sink:
        return FanOut([MemorySink(), MemorySink()])

    def taken(self, sink: Sink) -> list[Record]:
        assert isinstance(sink, FanOut)
        first, second = sink.sinks
        assert isinstance(first, MemorySink)
        assert isinstance(second, MemorySink)
        assert first.records == second.records or repr(first.records) == repr(second.records)
        return list(second.records)


class TestContractOfNone(SinkContract):
    kinds = frozenset()

    def make_sink(self) -> Sink:
        return FanOut()

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


@pytest.mark.parametrize("verb", ["write", "flush", "close"])
def test_every_sink_is_called(verb: str) -> None:
    """All errors are raised together, each with the name of its sink, and the remaining sinks were called."""

    between, last = MemorySink(), MemorySink()
    fan = FanOut([Failing(OSError("disk")), between, Failing(ValueError("value")), last])
    with pytest.raises(ExceptionGroup, match=f"could not {verb}.* 2 of the sinks Failing, MemorySink") as failed:
        getattr(fan, verb)(*([RECORD] if verb == "write" else []))
    assert [str(error) for error in failed.value.exceptions] == ["disk", "value"]
    assert all("Failing" in note for error in failed.value.exceptions for note in error.__notes__)
    assert (len(last.records), last.closed) == (len(between.records), between.closed)
    assert (len(last.records), last.closed) == {"write": (1, False), "flush": (0, False), "close": (0, True)}[verb]


def test_a_panic_in_one_sink_does_not_affect_the_remaining_sinks() -> None:
    """An error that is not an Exception is raised in a group after all sinks were called."""

    last = MemorySink()
    with pytest.raises(BaseExceptionGroup) as failed:
        FanOut([Failing(Panic("unwrap on None")), last]).write(RECORD)
    assert list(last.records) == [RECORD]
    assert isinstance(failed.value.exceptions[0], Panic)


def test_a_failed_close_counts_as_closed() -> None:
    """A second call does not close the sinks again, and does not raise."""

    fan = FanOut([Failing(OSError("disk"))])
    with pytest.raises(ExceptionGroup):
        fan.close()
    fan.close()
    with pytest.raises(ClosedError):
        fan.write(RECORD)


def test_its_repr_lists_its_sinks() -> None:
    """Nested fan-outs are shown as nested lists."""

    assert repr(FanOut([MemorySink(), FanOut()])) == "<FanOut[<MemorySink>, <FanOut[]>]>"
