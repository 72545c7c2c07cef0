"""A function that is called at an interval by a thread of its own."""

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

_log = logging.getLogger("rlvitals")


class Ticker:
    """Calls a function every few seconds until it is stopped. An error is logged once, and the ticking goes on.

    Args:
        function: What to call.
        interval_s: Seconds between the end of one call and the start of the next.
        name: The thread's name.
    """

    def __init__(self, function: Callable[[], object], interval_s: float, name: str) -> None:
        self._function = function
        self._interval_s = interval_s
        self._stopping: SimpleQueue[None] = SimpleQueue()  # which a signal handler may fill at any moment
        self._failed = False
        self._thread = threading.Thread(target=self._run, name=f"rlvitals-{name}", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End the ticking. Does not wait for a call that is under way."""
        self._stopping.put(None)

    def stop(self, timeout_s: float = 10.0) -> None:
        """End the ticking, and wait for a call that is under way."""
        self.end()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._is_stopped():
            try:
                self._function()
            except Exception:  # noqa: BLE001 - logged below; a thread that looks after a training must not end
                if not self._failed:
                    self._failed = True
                    _log.exception("%s failed; it will be tried again, and this is said once", self._thread.name)

    def _is_stopped(self) -> bool:
        """Whether it was stopped, by now or within an interval."""
        try:
            self._stopping.get(timeout=self._interval_s)
        except Empty:
            return False
        return True
