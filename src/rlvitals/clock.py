"""Time is an argument: whatever reads a clock is handed one."""

import time as _time
from typing import Protocol


class Clock(Protocol):
    """Two readings of time, both in seconds."""

    def time(self) -> float:
        """Wall time, seconds since 1970-01-01 UTC; may jump."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never runs backwards."""


class SystemClock:
    """The machine's own clocks."""

    time = staticmethod(_time.time)
    monotonic = staticmethod(_time.monotonic)


SYSTEM_CLOCK: Clock = SystemClock()

_IDLE_SHARE = 20.0


def pause_after(seconds: float, *, least_s: float = 0.0) -> float:
    """Compute how long to wait before work is repeated, so that it takes at most a twentieth of the time.

    Args:
        seconds: Duration of the work.
        least_s: Shortest pause (seconds).
    """
    return max(least_s, _IDLE_SHARE * seconds)
