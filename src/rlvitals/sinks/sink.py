"""The contract of a sink: a destination to which records also go while training."""

from abc import ABC, abstractmethod

from rlvitals.records import Record


class Sink(ABC):
    """One noun, three verbs: `write`, `flush`, `close`.

    Threads:
        A sink is called by one thread at a time, never the training thread: the recorder puts every sink behind a
        `Background`. It needs no lock of its own. The thread that made it may be another one than that which calls it.
    Order:
        Records of one stream come in the order in which they were logged. Steps may repeat or run backwards: nothing
        may be dropped for that.
    Records:
        All kinds come; a sink passes over those that it has no use for. A record is shared, and must not be changed.
        A field that is `None` was not said; numbers may be NaN or infinite, and must not become null or zero.
    Errors:
        Any method may raise. The error is counted, reported once and kept away from the training; the next record
        is tried all the same.
    After close:
        `close` flushes first, may be called twice, and is the last call but for further `close`s. A `write` after
        it raises `ClosedError`.
    """

    @property
    def name(self) -> str:
        """What the sink is called in messages."""
        return type(self).__name__

    @property
    def works(self) -> bool:
        """Whether it works, as far as it knows: a call that had nothing to do may go well in a sink that does not."""
        return True

    @abstractmethod
    def write(self, record: Record) -> None:
        """Take one record."""

    def flush(self) -> None:  # noqa: B027 - a sink that buffers nothing has nothing to do
        """Pass on whatever is buffered."""

    @abstractmethod
    def close(self) -> None:
        """Flush, and let go of everything."""

    def __repr__(self) -> str:
        return f"<{self.name}>"


class SinkWrapper(Sink):
    """A sink that does something to the way to another one.

    Args:
        to: The sink that it wraps.
    """

    def __init__(self, to: Sink) -> None:
        self.to = to

    @property
    def name(self) -> str:
        """The wrapped sink's name."""
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
