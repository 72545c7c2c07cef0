"""One record to many sinks."""

from collections.abc import Callable, Iterable

from rlvitals.errors import ClosedError
from rlvitals.records import Record
from rlvitals.sinks.sink import Sink


class FanOut(Sink):
    """Gives each record to every sink, and visits all of them even if some fail.

    Args:
        sinks: The sinks.
    """

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        self.sinks = list(sinks)
        self._closed = False

    def write(self, record: Record) -> None:
        """Write to every sink.

        Raises:
            ClosedError: The sink is closed.
            ExceptionGroup: All errors of those that failed.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        self._visit(lambda sink: sink.write(record), "write to")

    def flush(self) -> None:
        """Flush every sink.

        Raises:
            ExceptionGroup: All errors of those that failed.
        """
        if not self._closed:
            self._visit(lambda sink: sink.flush(), "flush")

    def close(self) -> None:
        """Close every sink.

        Raises:
            ExceptionGroup: All errors of those that failed.
        """
        if not self._closed:
            self._closed = True
            self._visit(lambda sink: sink.close(), "close")

    def _visit(self, call: Callable[[Sink], None], verb: str) -> None:
        errors: list[BaseException] = []
        for sink in self.sinks:
            try:
                call(sink)
            # A panic of a Rust extension is a BaseException; whatever one sink raises, the others are visited.
            except BaseException as error:  # noqa: BLE001
                error.add_note(f"while trying to {verb} {sink.name}")
                errors.append(error)
        if errors:
            names = ", ".join(sink.name for sink in self.sinks)
            # Of exceptions alone this makes an ExceptionGroup.
            raise BaseExceptionGroup(f"could not {verb} {len(errors)} of the sinks {names}", errors)

    def __repr__(self) -> str:
        return f"<FanOut{self.sinks!r}>"
