"""Functions and classes of another library that a drop-in does not have: they do nothing, and are listed once."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any, Self

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

    def function(self, name: str) -> "Nothing":
        """Return a function, class or module that does nothing.

        Args:
            name: Name under which the program uses it.
        """
        return Nothing(name, self._add)

    def _add(self, name: str) -> None:
        self._names[name] = None

    def report(self, monitor: TrainingMonitor) -> None:
        """Report the names, in the log and as an event of the run. Repeated calls report new names only."""
        if not self._names:
            return
        message = f"Not recorded, because rlvitals has no equivalent in {self._library}: {', '.join(self._names)}."
        self._names.clear()
        _log.warning("%s: %s", monitor.session_id, message)
        with contextlib.suppress(ClosedError):  # the message is in the log
            monitor.log_event("adapter", message, severity="warning")


class Nothing:
    """Object that does nothing: a function, a false and empty value, and a context manager with any attribute.

    Args:
        name: Name under which the program uses it.
        called: Function to call with the name when the program calls the object.
    """

    def __init__(self, name: str, called: Callable[[str], None]) -> None:
        self._name = name
        self._called = called

    def __call__(self, *_: Any, **__: Any) -> "Nothing":
        """Return an object that does nothing, either."""
        self._called(self._name)
        return Nothing(self._name, lambda _: None)  # the name is listed already

    def __getattr__(self, name: str) -> "Nothing":
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return Nothing(f"{self._name}.{name}", self._called)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let exceptions pass."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return self._name
