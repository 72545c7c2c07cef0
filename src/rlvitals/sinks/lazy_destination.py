"""Opening a destination when it is first wanted, and packages that may be missing."""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import MissingExtraError, SinkError

T = TypeVar("T")

RETRY_S = 60.0


def require(module: str, *, feature: str, extra: str) -> None:
    """See that a package is there, without the seconds that it may take to import it.

    Raises:
        MissingExtraError: It is not installed.
    """
    spec = importlib.util.find_spec(module)
    # A folder of that name in the working directory (W&B and MLflow leave such) is found too, and is no package.
    if spec is None or spec.origin is None:
        raise MissingExtraError(feature, extra=extra, module=module)


def load(module: str) -> Any:
    """Import a module of an extra: when it is needed, and in the thread that needs it."""
    return importlib.import_module(module)


class Opening(Generic[T]):
    """Opens something when it is first wanted. If that fails it is not tried again at once.

    A server that is away takes a minute to say so, and there may be a thousand records a second.

    Args:
        opened: Opens it.
        retry_s: Seconds between two attempts.
        clock: Tells the time.
    """

    def __init__(self, opened: Callable[[], T], *, retry_s: float = RETRY_S, clock: Clock = SYSTEM_CLOCK) -> None:
        self._open = opened
        self._retry_s = retry_s
        self._clock = clock
        self._failure: Exception | None = None
        self._retry_at = 0.0
        self.value: T | None = None

    def get(self) -> T:
        """What was opened; the first call opens it.

        Raises:
            SinkError: It could not be opened when that was last tried.
        """
        if self.value is None:
            if self._failure is not None and self._clock.monotonic() < self._retry_at:
                raise SinkError(f"still not open: {self._failure}") from self._failure
            try:
                self.value = self._open()
            except Exception as error:
                self._failure = error
                self._retry_at = self._clock.monotonic() + self._retry_s
                raise SinkError(f"cannot be opened: {type(error).__name__}: {error}") from error
        return self.value
