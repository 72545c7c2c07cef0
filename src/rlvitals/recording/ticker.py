"""Periodic calls of a function in a separate thread."""

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

_log = logging.getLogger("rlvitals")


class Ticker:
    """Thread that calls a function at an interval until it is stopped. Logs the first error and continues.

    Args:
        function: Function to call.
        interval_s: Seconds between the end of one call and the start of the next.
        name: Suffix of the thread name.
    """

    def __init__(self, function: Callable[[], object], interval_s: float, name: str) -> None:
        self._function = function
        self._interval_s = interval_s
        self._stopping: SimpleQueue[None] = SimpleQueue()  # a signal handler can safely put into it at any time
        self._failed = False
        self._thread = threading.Thread(target=self._run, name=f"rlvitals-{name}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop the calls without waiting for a call that is running."""
        self._stopping.put(None)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Stop the calls, and wait for a call that is running.

        Args:
            timeout_s: Maximum wait, in seconds.
        """
        self.end()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._is_stopped():
            try:
                self._function()
            except Exception:  # noqa: BLE001 - logged below; the thread must outlive every error
                if not self._failed:
                    self._failed = True
                    _log.exception("%s failed; retrying (further errors are not logged)", self._thread.name)

    def _is_stopped(self) -> bool:
        """Wait for one interval, and return whether the ticker has been stopped."""
        try:
            self._stopping.get(timeout=self._interval_s)
        except Empty:
            return False
        return True
