"""Functions of another library that a drop-in does not have: they do nothing, and are listed once."""

import contextlib
import logging
from collections.abc import Callable
from typing import Any

from rlvitals.errors import ClosedError
from rlvitals.monitor import TrainingMonitor

_log = logging.getLogger("rlvitals")


class Unsupported:
    """Collector of the names that a program used.

    Args:
        library: Name of the library, for the message.
    """

    def __init__(self, library: str) -> None:
        self._library = library
        self._names: dict[str, None] = {}

    def function(self, name: str) -> Callable[..., None]:
        """Return a function that does nothing.

        Args:
            name: Name under which the program uses it.
        """

        def do_nothing(*_: Any, **__: Any) -> None:
            self._names[name] = None

        return do_nothing

    def report(self, monitor: TrainingMonitor) -> None:
        """Report the names, in the log and as an event of the run. Repeated calls report new names only."""
        if not self._names:
            return
        message = f"Not recorded, because rlvitals has no equivalent in {self._library}: {', '.join(self._names)}."
        self._names.clear()
        _log.warning("%s: %s", monitor.session_id, message)
        with contextlib.suppress(ClosedError):  # the message is in the log
            monitor.log_event("adapter", message, severity="warning")
