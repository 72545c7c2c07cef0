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
