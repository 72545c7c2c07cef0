"""The contract of a sink, a further destination of the records while a run is recorded."""

from abc import ABC, abstractmethod

from rlvitals.records import Record


class Sink(ABC):
    """Base class of sinks. A sink implements `write` and `close`, and can override `flush`.

    Threads:
        A sink is called by one thread at a time, never by the training thread: the recorder wraps every sink in a
        `Background`. It does not need a lock. The thread that creates it can differ from the thread that calls it.
    Order:
        Records of one stream arrive in the order in which they were logged. Steps can repeat or decrease. A sink must
        not drop records because of that.
    Records:
        A sink receives records of all kinds and ignores the kinds that it does not use. Records are shared and must
        not be modified. A field that is `None` was not reported. Numbers can be NaN or infinite, and must not be
        converted to null or zero.
    Errors:
        Any method can raise. The error is counted, reported once and not raised into the training. The sink still
        receives the next record.
    After close:
        `close` flushes first and can be called more than once. The recorder makes no other call after it. A `write`
        after `close` raises `ClosedError`.
    """

    @property
    def name(self) -> str:
        """Name of the sink in messages."""
        return type(self).__name__

    @property
    def works(self) -> bool:
        """Whether the sink works, as far as it knows.

        A failing sink can return `False`, because a call without work succeeds even in a sink that does not work.
        """
        return True

    @abstractmethod
    def write(self, record: Record) -> None:
        """Write one record.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed.
        """

    def flush(self) -> None:  # noqa: B027 - optional: a sink without a buffer has nothing to flush
        """Write everything that is buffered."""

    @abstractmethod
    def close(self) -> None:
        """Flush the sink, and release its resources."""

    def __repr__(self) -> str:
        return f"<{self.name}>"


class SinkWrapper(Sink):
    """Base class of sinks that wrap another sink.

    Args:
        to: Sink to wrap.
    """

    def __init__(self, to: Sink) -> None:
        self.to = to

    @property
    def name(self) -> str:
        """Name of the wrapped sink."""
        return self.to.name

    @property
    def works(self) -> bool:
        """Whether the wrapped sink works."""
        return self.to.works

    def flush(self) -> None:
        """Flush the wrapped sink."""
        self.to.flush()

    def close(self) -> None:
        """Close the wrapped sink."""
        self.to.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{self.to!r}>"
