"""A sink that may fail without hurting anybody."""

import contextlib
from collections.abc import Callable

from rlvitals.errors import ClosedError
from rlvitals.records import Record
from rlvitals.sinks.sink import Sink, SinkWrapper

Report = Callable[[str, str], None]
"""Takes a sink's name and what became of it."""


class Isolated(SinkWrapper):
    """Swallows what the wrapped sink raises, counts it, and reports the first error and the recovery.

    A sink that fails now and then is reported ever more rarely: whenever its failures have doubled. Each report is
    itself a record, which must not become a flood.

    Args:
        to: The sink that may fail.
        report: Is told when it begins to fail, and when it works again.
    """

    def __init__(self, to: Sink, report: Report) -> None:
        super().__init__(to)
        self.failures = 0
        self.last_error: BaseException | None = None
        self._report = report
        # By method: a flush that has nothing to do is no sign that writing works again, nor the other way round.
        self._failing: set[str] = set()
        self._reported = False
        self._report_at = 1
        self._closed = False

    def write(self, record: Record) -> None:
        """Try to write; a record that fails is counted.

        Raises:
            ClosedError: The sink is closed, by its caller: that is not the sink's failure.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        self._attempt("write", lambda: self.to.write(record))

    def flush(self) -> None:
        """Try to flush."""
        if not self._closed:
            self._attempt("flush", self.to.flush)

    def close(self) -> None:
        """Try to close."""
        if not self._closed:
            self._closed = True
            self._attempt("close", self.to.close)

    def _attempt(self, verb: str, call: Callable[[], None]) -> None:
        try:
            call()
        except KeyboardInterrupt:  # the user's, who may well have composed sinks in the main thread
            raise
        # Rust and C extensions have been seen to raise BaseException from a panic.
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
            self._report(self.name, f"failed, and is passed over while it does: {type(error).__name__}: {error}")

    def _recover(self, verb: str) -> None:
        self._failing.discard(verb)
        if not self._failing:
            self.last_error = None
            if self._reported:
                self._reported = False
                self._report(self.name, f"works again; it failed {self.failures} times so far")
