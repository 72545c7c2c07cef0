"""A sink that may fail without hurting anybody."""

from collections.abc import Callable

from rlvitals.records import Record
from rlvitals.sinks.base import Sink, SinkWrapper

Report = Callable[[str, str], None]
"""Takes a sink's name and what became of it."""


class Isolated(SinkWrapper):
    """Swallows what the wrapped sink raises, counts it, and reports the first error and the recovery.

    Args:
        to: The sink that may fail.
        report: Is told once when it begins to fail, and once when it works again.
    """

    def __init__(self, to: Sink, report: Report) -> None:
        super().__init__(to)
        self.failures = 0
        self.last_error: BaseException | None = None
        self._report = report

    def write(self, record: Record) -> None:
        """Try to write; a record that fails is counted."""
        self._attempt(lambda: self.to.write(record))

    def flush(self) -> None:
        """Try to flush."""
        self._attempt(self.to.flush)

    def close(self) -> None:
        """Try to close."""
        self._attempt(self.to.close)

    def _attempt(self, call: Callable[[], None]) -> None:
        try:
            call()
        # Rust and C extensions have been seen to raise BaseException from a panic.
        except BaseException as error:  # noqa: BLE001
            self.failures += 1
            if self.last_error is None:
                self._report(self.name, f"failed, and is passed over while it does: {type(error).__name__}: {error}")
            self.last_error = error
        else:
            if self.last_error is not None:
                self.last_error = None
                self._report(self.name, f"works again; it failed {self.failures} times so far")
