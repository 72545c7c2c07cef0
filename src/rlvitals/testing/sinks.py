"""The contract of a sink as a test suite, which the author of a sink inherits.

    from rlvitals.testing.sinks import SinkContract

    class TestMySink(SinkContract):
        def make_sink(self) -> Sink:
            return MySink()

        def taken(self, sink: Sink) -> list[Record]:  # if what it took can be read back
            return read(sink.path)

The claims are those of `rlvitals.sinks.Sink`, and are held with pytest.
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
    """A record of every kind, with all sorts of fields."""
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
    """NaN, the infinities and absent: four different things."""
    return (
        PolicyUpdate(time=8.0, step=0, policy_loss=math.nan, value_loss=math.nan, extra={"x": math.nan}),
        PolicyUpdate(time=9.0, step=1, policy_loss=math.inf, value_loss=math.inf, extra={"x": math.inf}),
        PolicyUpdate(time=10.0, step=2, policy_loss=-math.inf, value_loss=-math.inf, extra={"x": -math.inf}),
        PolicyUpdate(time=11.0, step=3),
        Episode(time=12.0, episode=1, reward=math.nan, length=0),
        Episode(time=13.0, episode=2, reward=-math.inf, length=1),
    )


def repeated_and_late() -> tuple[Record, ...]:
    """Steps that repeat and run backwards, and so does the time."""
    return tuple(
        Scalars(time=float(20 - place), step=step, category="mine", values={"place": place})
        for place, step in enumerate((5, 5, 7, 7, 3, 5))
    )


class SinkContract:
    """What is true of every sink. Override `make_sink`; and `taken`, if what the sink took can be read back.

    Attributes:
        kinds: The kinds of record that the sink has a use for; it passes over the others.
    """

    kinds: ClassVar[frozenset[type[Record]]] = frozenset(STREAMS.values())

    def make_sink(self) -> Sink:
        """Make a new sink, open and with nothing in it."""
        raise NotImplementedError("a contract is inherited by a class that makes the sink")

    def taken(self, sink: Sink) -> list[Record] | None:
        """The records that a sink took, flushed or closed as it is; `None` if they cannot be read back."""
        del sink
        return None

    @pytest.fixture
    def sink(self) -> Iterator[Sink]:
        """A new sink, which is closed in the end."""
        sink = self.make_sink()
        yield sink
        sink.close()

    def test_it_is_a_sink_with_a_name(self, sink: Sink) -> None:
        """It is a `Sink`, and messages can name it."""
        assert isinstance(sink, Sink)
        assert sink.name.strip()
        assert repr(sink)

    def test_it_takes_every_kind(self, sink: Sink) -> None:
        """Records of all kinds come; those that it has no use for are passed over."""
        _write(sink, every_kind())
        sink.flush()

    def test_it_takes_what_is_not_finite_and_what_was_not_said(self, sink: Sink) -> None:
        """NaN, the infinities and absent fields are taken."""
        _write(sink, non_finite_and_absent())
        sink.flush()

    def test_it_takes_steps_that_repeat_or_come_late(self, sink: Sink) -> None:
        """Steps may repeat or run backwards."""
        _write(sink, repeated_and_late())
        sink.flush()

    def test_it_keeps_the_order_and_drops_nothing(self, sink: Sink) -> None:
        """What it took can be read back after a flush: in order, all of it, with NaN as NaN."""
        _write(sink, (*every_kind(), *non_finite_and_absent(), *repeated_and_late()))
        sink.flush()
        self._assert_taken(sink, (*every_kind(), *non_finite_and_absent(), *repeated_and_late()))

    def test_it_may_be_flushed_at_any_time(self, sink: Sink) -> None:
        """With nothing written, between two records, twice in a row."""
        sink.flush()
        for record in every_kind():
            sink.write(record)
            sink.flush()
            sink.flush()

    def test_closing_flushes(self, sink: Sink) -> None:
        """What was written is there after `close`, without a `flush` before."""
        _write(sink, every_kind())
        sink.close()
        self._assert_taken(sink, every_kind())

    def test_it_may_be_closed_twice(self, sink: Sink) -> None:
        """A second `close` changes nothing."""
        _write(sink, every_kind())
        sink.close()
        before = self._read(sink)
        sink.close()
        assert self._read(sink) == before

    def test_it_may_be_closed_unused(self, sink: Sink) -> None:
        """A training may end before its first record."""
        sink.close()

    def test_it_refuses_records_once_closed(self, sink: Sink) -> None:
        """A `write` after `close` raises `ClosedError`, each time, and is not taken."""
        sink.write(every_kind()[0])
        sink.close()
        before = self._read(sink)
        for record in every_kind():
            with pytest.raises(ClosedError):
                sink.write(record)
        assert self._read(sink) == before

    def test_it_leaves_records_as_they_are(self, sink: Sink) -> None:
        """Records are shared with other sinks and the live window: nothing in them is changed."""
        records = (*every_kind(), *non_finite_and_absent())
        before = [repr(record) for record in records]
        _write(sink, records)
        sink.flush()
        sink.close()
        assert [repr(record) for record in records] == before

    def test_it_may_be_called_by_another_thread(self, sink: Sink) -> None:
        """The thread that writes, flushes and closes is not the one that made it."""

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
            pytest.skip("what this sink took cannot be read back")
        assert [repr(record) for record in taken] == [repr(record) for record in records if type(record) in self.kinds]


def _write(sink: Sink, records: tuple[Record, ...]) -> None:
    for record in records:
        sink.write(record)


def _in_another_thread(call: Callable[[], None], timeout_s: float = 30.0) -> None:
    errors: list[Any] = []

    def guarded() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
            errors.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(timeout_s)
    assert not thread.is_alive(), "the sink hangs"
    if errors:
        raise errors[0]
