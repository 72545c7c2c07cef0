"""Sink that passes each record to several sinks."""

from collections.abc import Callable, Iterable

from rlvitals.errors import ClosedError
from rlvitals.records import Record
from rlvitals.sinks.sink import Sink


class FanOut(Sink):
    """Passes each record to every sink, even if some of them fail.

    Args:
        sinks: Sinks that receive the records.
    """

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        self.sinks = list(sinks)
        self._closed = False

    def write(self, record: Record) -> None:
        """Write a record to every sink.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: This sink is closed.
            ExceptionGroup: Some sinks failed. The group has all their errors.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        self._visit(lambda sink: sink.write(record), "write to")

    def flush(self) -> None:
        """Flush every sink.

        Raises:
            ExceptionGroup: Some sinks failed. The group has all their errors.
        """
        if not self._closed:
            self._visit(lambda sink: sink.flush(), "flush")

    def close(self) -> None:
        """Close every sink.

        Raises:
            ExceptionGroup: Some sinks failed. The group has all their errors.
        """
        if not self._closed:
            self._closed = True
            self._visit(lambda sink: sink.close(), "close")

    def _visit(self, call: Callable[[Sink], None], verb: str) -> None:
        errors: list[BaseException] = []
        for sink in self.sinks:
            try:
                call(sink)
            # A panic of a Rust extension is a BaseException. The remaining sinks are called after any error.
            except BaseException as error:  # noqa: BLE001
                error.add_note(f"while trying to {verb} {sink.name}")
                errors.append(error)
        if errors:
            names = ", ".join(sink.name for sink in self.sinks)
            # If all errors are Exceptions, this creates an ExceptionGroup.
            raise BaseExceptionGroup(f"could not {verb} {len(errors)} of the sinks {names}", errors)

    def __repr__(self) -> str:
        return f"<FanOut{self.sinks!r}>"
