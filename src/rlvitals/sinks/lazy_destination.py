"""Opening of a destination on first use, and import of optional packages."""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import MissingExtraError, SinkError

T = TypeVar("T")

RETRY_S = 60.0


def require(module: str, *, feature: str, extra: str) -> None:
    """Check that a package is installed, without importing it, which can take seconds.

    Args:
        module: Name of the package.
        feature: Feature that needs the package, for the error message.
        extra: Extra of rlvitals that installs the package.

    Raises:
        MissingExtraError: The package is not installed.
    """
    spec = importlib.util.find_spec(module)
    # A folder of this name in the working directory (as left by W&B and MLflow) is found too, but has no origin.
    if spec is None or spec.origin is None:
        raise MissingExtraError(feature, extra=extra, module=module)


def load(module: str) -> Any:
    """Import a module of an optional package. Call it on first use, in the thread that uses the module."""
    return importlib.import_module(module)


class Opening(Generic[T]):
    """Opens a destination on first use. After a failure, it waits before it retries.

    The wait is needed because an unreachable server can take a minute to fail, while a thousand records per second
    arrive.

    Args:
        opened: Callback that opens the destination.
        retry_s: Seconds between two attempts.
        clock: Source of the time.
    """

    def __init__(self, opened: Callable[[], T], *, retry_s: float = RETRY_S, clock: Clock = SYSTEM_CLOCK) -> None:
        self._open = opened
        self._retry_s = retry_s
        self._clock = clock
        self._failure: Exception | None = None
        self._retry_at = 0.0
        self.value: T | None = None

    def get(self) -> T:
        """Return the open destination. The first call opens it.

        Raises:
            SinkError: The last attempt to open the destination failed.
        """
        if self.value is None:
            if self._failure is not None and self._clock.monotonic() < self._retry_at:
                raise SinkError(f"the destination is still not open: {self._failure}") from self._failure
            try:
                self.value = self._open()
            except Exception as error:
                self._failure = error
                self._retry_at = self._clock.monotonic() + self._retry_s
                raise SinkError(f"cannot open the destination: {type(error).__name__}: {error}") from error
        return self.value
