"""Records kept in memory."""

from rlvitals.records import Record, Scalars
from rlvitals.sinks import MemorySink, Sink
from rlvitals.testing.sinks import SinkContract


class TestContract(SinkContract):
    def make_sink(self) -> Sink:
        return MemorySink()

    def taken(self, sink: Sink) -> list[Record]:
        assert isinstance(sink, MemorySink)
        return list(sink.records)


def test_the_last_records_are_kept() -> None:
    """If there are more records than its size, the first ones are removed."""

    sink = MemorySink(2)
    records = [Scalars(time=1.0, step=step, category="mine", values={}) for step in range(5)]
    for record in records:
        sink.write(record)
    assert list(sink.records) == records[3:]


def test_records_are_available_after_close() -> None:
    """A notebook can read the records after the training."""

    sink = MemorySink()
    sink.write(Scalars(time=1.0, step=1, category="mine", values={}))
    sink.close()
    assert (sink.closed, len(sink.records)) == (True, 1)
