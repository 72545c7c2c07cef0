"""Records kept in memory: for tests, notebooks and small tools."""

from collections import deque

from rlvitals.errors import ClosedError
from rlvitals.records import Record
from rlvitals.sinks.sink import Sink


class MemorySink(Sink):
    """Keeps the last records.

    Args:
        size: How many; all of them by default.
    """

    def __init__(self, size: int | None = None) -> None:
        self.records: deque[Record] = deque(maxlen=size)
        self.closed = False

    def write(self, record: Record) -> None:
        """Keep a record.

        Raises:
            ClosedError: The sink is closed.
        """
        if self.closed:
            raise ClosedError(f"{self.name} is closed")
        self.records.append(record)

    def close(self) -> None:
        """Take no more; what was kept stays."""
        self.closed = True
