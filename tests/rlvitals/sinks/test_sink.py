"""The base class of sinks, and a minimal wrapper."""

import pytest

from rlvitals.records import Record
from rlvitals.sinks import MemorySink, Sink, SinkWrapper
from rlvitals.testing.sinks import SinkContract


class Passing(SinkWrapper):
    """Minimal wrapper that forwards every call."""

    def write(self, record: Record) -> None:
        self.to.write(record)


class TestContract(SinkContract):
    def make_sink(self) -> Sink:
        return Passing(MemorySink())

    def taken(self, sink: Sink) -> list[Record]:
        assert isinstance(sink, Passing)
        assert isinstance(sink.to, MemorySink)
        return list(sink.to.records)


def test_a_sink_must_implement_write_and_close() -> None:
    """A class without them cannot be instantiated."""

    with pytest.raises(TypeError, match="close"):
        Sink()  # type: ignore[abstract]


def test_the_repr_of_a_wrapper_shows_the_nesting() -> None:
    """In messages, a wrapper has the name of the wrapped sink."""

    sink = Passing(Passing(MemorySink()))
    assert repr(sink) == "<Passing<Passing<MemorySink>>>"
    assert sink.name == "MemorySink"
