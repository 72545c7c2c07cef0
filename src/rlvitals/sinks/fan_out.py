"""One record to many sinks."""

from collections.abc import Callable, Iterable

from rlvitals.records import Record
from rlvitals.sinks.base import Sink


class FanOut(Sink):
    """Gives each record to every sink, and visits all of them even if some fail.

    Args:
        sinks: The sinks.
    """

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        self.sinks = list(sinks)

    def write(self, record: Record) -> None:
        """Write to every sink.

        Raises:
            ExceptionGroup: All errors of those that failed.
        """
        self._visit(lambda sink: sink.write(record), "write to")

    def flush(self) -> None:
        """Flush every sink.

        Raises:
            ExceptionGroup: All errors of those that failed.
        """
        self._visit(lambda sink: sink.flush(), "flush")

    def close(self) -> None:
        """Close every sink.

        Raises:
            ExceptionGroup: All errors of those that failed.
        """
        self._visit(lambda sink: sink.close(), "close")

    def _visit(self, call: Callable[[Sink], None], verb: str) -> None:
        errors: list[Exception] = []
        for sink in self.sinks:
            try:
                call(sink)
            except Exception as error:  # noqa: BLE001 - whatever one sink raises, the others are visited
                error.add_note(f"while trying to {verb} {sink.name}")
                errors.append(error)
        if errors:
            names = ", ".join(sink.name for sink in self.sinks)
            raise ExceptionGroup(f"could not {verb} {len(errors)} of the sinks {names}", errors)

    def __repr__(self) -> str:
        return f"<FanOut{self.sinks!r}>"
