"""Clocks, passed as arguments so that tests can control the time."""

import time as _time
from typing import Protocol


class Clock(Protocol):
    """A source of wall time and monotonic time, both in seconds."""

    def time(self) -> float:
        """Return the wall time in seconds since 1970-01-01 UTC. It can jump."""

    def monotonic(self) -> float:
        """Return the seconds since a fixed but arbitrary time. The value never decreases."""


class SystemClock:
    """The system clocks."""

    time = staticmethod(_time.time)
    monotonic = staticmethod(_time.monotonic)


SYSTEM_CLOCK: Clock = SystemClock()

FIRST_DATE = 946_684_800
"""The year 2000. Earlier times count from the start of a training, so two runs can share them."""

_IDLE_SHARE = 20.0


def pause_after(seconds: float, *, least_s: float = 0.0) -> float:
    """Compute the pause between repetitions of some work, so that the work takes at most 1/20 of the time.

    Args:
        seconds: Duration of the work, in seconds.
        least_s: Minimum pause, in seconds.

    Returns:
        The pause, in seconds.
    """
    return max(least_s, _IDLE_SHARE * seconds)
