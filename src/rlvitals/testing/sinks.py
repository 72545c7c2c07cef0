"""Contract of sinks as a test suite. Authors of a sink inherit from it.

    from rlvitals.testing.sinks import SinkContract

    class TestMySink(SinkContract):
        def make_sink(self) -> Sink:
            return MySink()

        def taken(self, sink: Sink) -> list[Record]:  # only if the written records can be read back
            return read(sink.path)

The tests check the contract of `rlvitals.sinks.Sink`. They need pytest.
"""

import math
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from rlvitals.errors import ClosedError
from rlvitals.records import STREAMS, Episode, Evaluation, Event, PolicyUpdate, Record, Scalars, SystemSample
from rlvitals.sinks import Sink


def every_kind() -> tuple[Record, ...]:
    """Return records of every kind, with fields of many types."""
    return (
        Event(time=1.0, kind="state", message="started", severity="info", data={"nested": [{"deep": 1}]}),
        Episode(
            time=2.0,
            episode=0,
            reward=1.5,
            length=10,
            env_step=10,
            termination_reason="max_steps",
            success=True,
            category="text",
            reward_parts={"quality": 1.0, "size": 0.5},
            parameters={"color_precision": 6, "mode": "spline", "stacked": True, "threshold": 0.5},
            info={"image": "a/b.png", "sizes": [1, 2]},
        ),
        PolicyUpdate(time=3.0, step=10, env_step=10, policy_loss=-0.01, value_loss=0.5, entropy=1.25, extra={"std": 1}),
        Evaluation(time=4.0, episode=1, reward=2.0, success_rate=1.0, items={"image": {"quality": 0.75}}),
        SystemSample(time=5.0, memory=512.0, cpu_percent=99.5, env_steps_per_second=1000.0),
        Scalars(time=6.0, step=10, category="mine", values={"ratio": 0.25, "note": "short"}),
        Event(time=7.0, kind="finding", message="entropy collapsed", severity="critical", code="entropy-collapse"),
    )


def non_finite_and_absent() -> tuple[Record, ...]:
    """Return records with NaN, infinite and missing values, which a sink must distinguish."""
    return (
        PolicyUpdate(time=8.0, step=0, policy_loss=math.nan, value_loss=math.nan, extra={"x": math.nan}),
        PolicyUpdate(time=9.0, step=1, policy_loss=math.inf, value_loss=math.inf, extra={"x": math.inf}),
        PolicyUpdate(time=10.0, step=2, policy_loss=-math.inf, value_loss=-math.inf, extra={"x": -math.inf}),
        PolicyUpdate(time=11.0, step=3),
        Episode(time=12.0, episode=1, reward=math.nan, length=0),
        Episode(time=13.0, episode=2, reward=-math.inf, length=1),
    )


def repeated_and_late() -> tuple[Record, ...]:
    """Return records whose steps repeat and decrease, and whose times decrease."""
    return tuple(
        Scalars(time=float(20 - place), step=step, category="mine", values={"place": place})
        for place, step in enumerate((5, 5, 7, 7, 3, 5))
    )


class SinkContract:
    """Tests that every sink must pass. Override `make_sink`, and `taken` if the written records can be read back.

    Attributes:
        kinds: Record classes that the sink writes. It ignores all others.
    """

    kinds: ClassVar[frozenset[type[Record]]] = frozenset(STREAMS.values())

    def make_sink(self) -> Sink:
        """Return a new sink that is open and empty."""
        raise NotImplementedError("implement make_sink in a subclass of the contract")

    def taken(self, sink: Sink) -> list[Record] | None:
        """Return the records that a sink has written, or `None` if they cannot be read back.

        Args:
            sink: Sink after a flush or a close.
        """
        del sink
        return None

    @pytest.fixture
    def sink(self) -> Iterator[Sink]:
        """New sink, which is closed after the test."""
        sink = self.make_sink()
        yield sink
        sink.close()

    def test_it_is_a_sink_with_a_name(self, sink: Sink) -> None:
        """The object is a `Sink` with a non-empty name and `repr`."""
        assert isinstance(sink, Sink)
        assert sink.name.strip()
        assert repr(sink)

    def test_it_accepts_every_kind(self, sink: Sink) -> None:
        """Records of all kinds can be written. Kinds that the sink does not use are ignored."""
        _write(sink, every_kind())
        sink.flush()

    def test_it_accepts_non_finite_and_missing_values(self, sink: Sink) -> None:
        """Records with NaN, infinite and missing values can be written."""
        _write(sink, non_finite_and_absent())
        sink.flush()

    def test_it_accepts_steps_that_repeat_or_decrease(self, sink: Sink) -> None:
        """Records whose steps repeat or decrease can be written."""
        _write(sink, repeated_and_late())
        sink.flush()

    def test_it_keeps_the_order_and_drops_nothing(self, sink: Sink) -> None:
        """After a flush, all records can be read back in order, with NaN as NaN."""
        _write(sink, (*every_kind(), *non_finite_and_absent(), *repeated_and_late()))
        sink.flush()
        self._assert_taken(sink, (*every_kind(), *non_finite_and_absent(), *repeated_and_late()))

    def test_it_can_be_flushed_at_any_time(self, sink: Sink) -> None:
        """A flush succeeds before the first record, between two records, and twice in a row."""
        sink.flush()
        for record in every_kind():
            sink.write(record)
            sink.flush()
            sink.flush()

    def test_closing_flushes(self, sink: Sink) -> None:
        """After `close`, all records can be read back, without a `flush` before."""
        _write(sink, every_kind())
        sink.close()
        self._assert_taken(sink, every_kind())

    def test_it_can_be_closed_twice(self, sink: Sink) -> None:
        """A second `close` has no effect."""
        _write(sink, every_kind())
        sink.close()
        before = self._read(sink)
        sink.close()
        assert self._read(sink) == before

    def test_it_can_be_closed_unused(self, sink: Sink) -> None:
        """A sink can be closed before its first record."""
        sink.close()

    def test_it_rejects_records_after_close(self, sink: Sink) -> None:
        """Each `write` after `close` raises `ClosedError`, and the record is not written."""
        sink.write(every_kind()[0])
        sink.close()
        before = self._read(sink)
        for record in every_kind():
            with pytest.raises(ClosedError):
                sink.write(record)
        assert self._read(sink) == before

    def test_it_does_not_modify_records(self, sink: Sink) -> None:
        """Records are unchanged, because they are shared with other sinks and the live window."""
        records = (*every_kind(), *non_finite_and_absent())
        before = [repr(record) for record in records]
        _write(sink, records)
        sink.flush()
        sink.close()
        assert [repr(record) for record in records] == before

    def test_it_can_be_called_by_another_thread(self, sink: Sink) -> None:
        """A thread other than the creator can write, flush and close."""

        def use() -> None:
            _write(sink, every_kind())
            sink.flush()
            sink.close()

        _in_another_thread(use)
        self._assert_taken(sink, every_kind())

    def _read(self, sink: Sink) -> list[str] | None:
        taken = self.taken(sink)
        return None if taken is None else [repr(record) for record in taken]

    def _assert_taken(self, sink: Sink, records: tuple[Record, ...]) -> None:
        taken = self.taken(sink)
        if taken is None:
            pytest.skip("records written by this sink cannot be read back")
        assert [repr(record) for record in taken] == [repr(record) for record in records if type(record) in self.kinds]


def _write(sink: Sink, records: tuple[Record, ...]) -> None:
    for record in records:
        sink.write(record)


def _in_another_thread(call: Callable[[], None], timeout_s: float = 30.0) -> None:
    errors: list[Any] = []

    def guarded() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            errors.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(timeout_s)
    assert not thread.is_alive(), "the sink hangs"
    if errors:
        raise errors[0]
