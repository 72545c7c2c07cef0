"""Records passed to a function."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import TrainingMonitor
from rlvitals.records import Episode, Record
from rlvitals.sinks import CallableSink, Sink
from rlvitals.testing.sinks import SinkContract


class TestContract(SinkContract):
    def make_sink(self) -> Sink:
        self.records: list[Record] = []
        return CallableSink(self.records.append)

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return self.records


@pytest.fixture
def called() -> list[str]:
    return []


def noting(called: list[str], what: str) -> Callable[..., None]:
    def note(*_: object) -> None:
        called.append(what)

    return note


def test_it_is_named_after_its_function() -> None:
    """The name in messages is that of the function or class."""

    def watch(record: Record) -> None:
        del record

    class Watcher:
        def __call__(self, record: Record) -> None:
            del record

    assert (CallableSink(watch).name, CallableSink(Watcher()).name) == ("watch", "Watcher")


def test_flush_and_close_have_functions_too(called: list[str]) -> None:
    """Closing calls the flush function first, and both functions once."""

    sink = CallableSink(noting(called, "record"), flush=noting(called, "flush"), close=noting(called, "close"))
    sink.write(Episode(time=1.0, episode=0, reward=1.0, length=1))
    sink.close()
    sink.close()
    sink.flush()
    assert called == ["record", "flush", "close"]


def test_it_is_closed_even_if_its_flush_fails(called: list[str]) -> None:
    """The close function is called after the flush function raised."""

    def fail() -> None:
        raise OSError("no room")

    sink = CallableSink(noting(called, "record"), flush=fail, close=noting(called, "close"))
    with pytest.raises(OSError, match="no room"):
        sink.close()
    sink.close()
    assert called == ["close"]


def test_an_error_of_the_function_is_not_raised_into_the_training(tmp_path: Path) -> None:
    """The error is counted, and every record is stored in the run folder."""

    def watch(record: Record) -> None:
        if isinstance(record, Episode) and record.episode == 1:
            raise KeyError("a bug")

    with TrainingMonitor(tmp_path, session_name="a", sinks=[CallableSink(watch)]) as monitor:
        for episode in range(3):
            monitor.log_episode(episode, 0.5, 10)
    assert monitor.dropped_records().sinks == {"watch": 1}
    assert monitor.session.total_episodes == 3
