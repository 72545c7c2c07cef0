"""Wrapper that keeps the errors of a sink away from the training."""

import contextlib
from collections.abc import Callable

from rlvitals.errors import ClosedError
from rlvitals.records import Record
from rlvitals.sinks.sink import Sink, SinkWrapper

Report = Callable[[str, str], None]
"""Callback that takes the name of a sink and a description of its failure or recovery."""


class Isolated(SinkWrapper):
    """Catches the errors of the wrapped sink, counts them, and reports the first error and the recovery.

    A sink that fails repeatedly is reported again only when its number of failures has doubled. Each report is itself a
    record, so this limits their number.

    Args:
        to: Sink to wrap, which can fail.
        report: Callback called when the sink starts to fail and when it works again.
    """

    def __init__(self, to: Sink, report: Report) -> None:
        super().__init__(to)
        self.failures = 0
        self.last_error: BaseException | None = None
        self._report = report
        # Per method: a flush without work does not prove that writing works again, and a write proves nothing of flush.
        self._failing: set[str] = set()
        self._reported = False
        self._report_at = 1
        self._closed = False

    def write(self, record: Record) -> None:
        """Write a record. An error of the sink is counted and not raised.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed. This is an error of the caller, not of the sink.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        self._attempt("write", lambda: self.to.write(record))

    def flush(self) -> None:
        """Flush the sink. An error is counted and not raised."""
        if not self._closed:
            self._attempt("flush", self.to.flush)

    def close(self) -> None:
        """Close the sink. An error is counted and not raised."""
        if not self._closed:
            self._closed = True
            self._attempt("close", self.to.close)

    def _attempt(self, verb: str, call: Callable[[], None]) -> None:
        try:
            call()
        except KeyboardInterrupt:  # from the user, if the sink is used in the main thread
            raise
        # Rust and C extensions can raise BaseException from a panic.
        except BaseException as error:  # noqa: BLE001
            self._fail(verb, error)
        else:
            if self._failing and self._works():
                self._recover(verb)

    def _works(self) -> bool:
        with contextlib.suppress(Exception):
            return self.to.works
        return False

    def _fail(self, verb: str, error: BaseException) -> None:
        self.failures += 1
        self.last_error = error
        self._failing.add(verb)
        if not self._reported and self.failures >= self._report_at:
            self._reported, self._report_at = True, 2 * self.failures
            self._report(self.name, f"failed ({type(error).__name__}: {error}); retrying with the next record")

    def _recover(self, verb: str) -> None:
        self._failing.discard(verb)
        if not self._failing:
            self.last_error = None
            if self._reported:
                self._reported = False
                self._report(self.name, f"works again (failures until now: {self.failures})")
