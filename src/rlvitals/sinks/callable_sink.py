"""Sink that passes records to a user-defined function."""

from collections.abc import Callable

from rlvitals.errors import ClosedError
from rlvitals.records import Record
from rlvitals.sinks.sink import Sink


class CallableSink(Sink):
    """Calls a function with each record, in a thread other than the training thread.

    Args:
        function: Function that takes a record.
        flush: Function called to flush buffered records, or `None`.
        close: Function called once when the sink is closed, or `None`.
    """

    def __init__(
        self,
        function: Callable[[Record], object],
        *,
        flush: Callable[[], object] | None = None,
        close: Callable[[], object] | None = None,
    ) -> None:
        self._function = function
        self._flush = flush
        self._close = close
        self._closed = False

    @property
    def name(self) -> str:
        """Name of the function."""
        return getattr(self._function, "__name__", type(self._function).__name__)

    def write(self, record: Record) -> None:
        """Call the function with a record.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        self._function(record)

    def flush(self) -> None:
        """Call the flush function, if there is one."""
        if self._flush is not None and not self._closed:
            self._flush()

    def close(self) -> None:
        """Flush, then call the close function, if there is one."""
        if self._closed:
            return
        try:
            self.flush()
        finally:
            self._closed = True
            if self._close is not None:
                self._close()
