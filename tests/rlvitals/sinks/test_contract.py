"""The contract suite for plug-in authors: each test detects a sink that violates it."""

import threading
from collections.abc import Callable

import pytest

from rlvitals.errors import ClosedError
from rlvitals.records import Episode, PolicyUpdate, Record, Scalars
from rlvitals.sinks import MemorySink, Sink
from rlvitals.testing.sinks import SinkContract


class Nameless(MemorySink):
    name = " "


class Picky(MemorySink):
    def write(self, record: Record) -> None:
        assert isinstance(record, Episode)
        super().write(record)


class Finite(MemorySink):
    def write(self, record: Record) -> None:
        if isinstance(record, PolicyUpdate):
            int(record.policy_loss or 0.0)
        super().write(record)


class Monotonic(MemorySink):
    step = -1

    def write(self, record: Record) -> None:
        if isinstance(record, Scalars):
            assert record.step > self.step
            self.step = record.step
        super().write(record)


class Backwards(MemorySink):
    def write(self, record: Record) -> None:
        super().write(record)
        self.records.rotate(1)


class Forgetful(MemorySink):
    def write(self, record: Record) -> None:
        if not isinstance(record, Scalars):
            super().write(record)


class Nulling(MemorySink):
    def write(self, record: Record) -> None:
        if isinstance(record, PolicyUpdate) and record.policy_loss != record.policy_loss:
            record = PolicyUpdate(time=record.time, step=record.step)
        super().write(record)


class Impatient(MemorySink):
    def flush(self) -> None:
        assert self.records


class Buffering(MemorySink):
    def __init__(self) -> None:
        super().__init__()
        self.buffer: list[Record] = []

    def write(self, record: Record) -> None:
        if self.closed:
            raise ClosedError
        self.buffer.append(record)

    def flush(self) -> None:
        self.records.extend(self.buffer)
        self.buffer.clear()


class Once(MemorySink):
    def close(self) -> None:
        assert not self.closed
        super().close()


class Unused(MemorySink):
    def close(self) -> None:
        assert self.records
        super().close()


class Open(MemorySink):
    def close(self) -> None:
        pass


class Muddled(MemorySink):
    def write(self, record: Record) -> None:
        super().write(record)
        if isinstance(record, Episode) and record.parameters:
            record.parameters.clear()


class Homebound(MemorySink):
    def __init__(self) -> None:
        super().__init__()
        self.home = threading.get_ident()

    def write(self, record: Record) -> None:
        assert threading.get_ident() == self.home
        super().write(record)


class _Contract(SinkContract):
    """Contract whose tests are called directly, with one sink at a time."""

    def taken(self, sink: Sink) -> list[Record]:
        assert isinstance(sink, MemorySink)
        return list(sink.records)


@pytest.mark.parametrize(
    ("make", "claim"),
    [
        (Nameless, _Contract.test_it_is_a_sink_with_a_name),
        (Picky, _Contract.test_it_accepts_every_kind),
        (Finite, _Contract.test_it_accepts_non_finite_and_missing_values),
        (Monotonic, _Contract.test_it_accepts_steps_that_repeat_or_decrease),
        (Backwards, _Contract.test_it_keeps_the_order_and_drops_nothing),
        (Forgetful, _Contract.test_it_keeps_the_order_and_drops_nothing),
        (Nulling, _Contract.test_it_keeps_the_order_and_drops_nothing),
        (Impatient, _Contract.test_it_can_be_flushed_at_any_time),
        (Buffering, _Contract.test_closing_flushes),
        (Once, _Contract.test_it_can_be_closed_twice),
        (Unused, _Contract.test_it_can_be_closed_unused),
        (Open, _Contract.test_it_rejects_records_after_close),
        (Muddled, _Contract.test_it_does_not_modify_records),
        (Homebound, _Contract.test_it_can_be_called_by_another_thread),
    ],
    ids=lambda part: part.__name__ if isinstance(part, type) else "",
)
def test_each_claim_detects_a_sink_that_violates_it(
    make: type[MemorySink], claim: Callable[[_Contract, Sink], None]
) -> None:
    """A sink that violates only one claim fails the test of that claim."""

    claim(_Contract(), MemorySink())
    with pytest.raises((AssertionError, ValueError, OverflowError, pytest.fail.Exception)):
        claim(_Contract(), make())


def test_every_claim_is_violated_by_a_sink() -> None:
    """Each test of the contract has a sink that violates it."""

    parameters = test_each_claim_detects_a_sink_that_violates_it.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {claim.__name__ for _, claim in parameters} == {
        name for name in dir(SinkContract) if name.startswith("test_")
    }


def test_a_contract_without_make_sink_is_an_error() -> None:
    """The error asks for an implementation of `make_sink`."""

    with pytest.raises(NotImplementedError, match="implement make_sink"):
        SinkContract().make_sink()


def test_claims_about_read_records_are_skipped_without_a_reader() -> None:
    """If records cannot be read back, the tests that need them are skipped and do not pass."""

    with pytest.raises(pytest.skip.Exception, match="cannot be read back"):
        SinkContract().test_closing_flushes(MemorySink())
