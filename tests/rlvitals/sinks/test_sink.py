"""The interface and its plainest wrapper."""

import pytest

from rlvitals.records import Record
from rlvitals.sinks import MemorySink, Sink, SinkWrapper
from rlvitals.testing.sinks import SinkContract


class Passing(SinkWrapper):
    """Passes everything on: what an author of a wrapper begins with."""

    def write(self, record: Record) -> None:
        self.to.write(record)


class TestContract(SinkContract):
    def make_sink(self) -> Sink:
        return Passing(MemorySink())

    def taken(self, sink: Sink) -> list[Record]:
        assert isinstance(sink, Passing)
        assert isinstance(sink.to, MemorySink)
        return list(sink.to.records)


def test_a_sink_writes_and_closes() -> None:
    """A class that says neither how to write nor how to close is no sink."""

    with pytest.raises(TypeError, match="close"):
        Sink()  # type: ignore[abstract]


def test_wrappers_read_as_a_sentence() -> None:
    """What is shown of nested sinks is how they nest; in messages a wrapper has the name of what it wraps."""

    sink = Passing(Passing(MemorySink()))
    assert repr(sink) == "<Passing<Passing<MemorySink>>>"
    assert sink.name == "MemorySink"
