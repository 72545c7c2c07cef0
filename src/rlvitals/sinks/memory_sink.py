"""Sink that keeps records in memory, for tests, notebooks and small tools."""

from collections import deque

from rlvitals.errors import ClosedError
from rlvitals.records import Record
from rlvitals.sinks.sink import Sink


class MemorySink(Sink):
    """Keeps the last records in memory, in the attribute `records`.

    Args:
        size: Maximum number of records, or `None` for all.
    """

    def __init__(self, size: int | None = None) -> None:
        self.records: deque[Record] = deque(maxlen=size)
        self.closed = False

    def write(self, record: Record) -> None:
        """Store a record.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed.
        """
        if self.closed:
            raise ClosedError(f"{self.name} is closed")
        self.records.append(record)

    def close(self) -> None:
        """Refuse further records. The stored records stay available."""
        self.closed = True
