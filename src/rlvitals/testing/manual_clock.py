"""A clock that is controlled by a test."""


class ManualClock:
    """Clock that advances only on request.

    Args:
        now: Initial wall time (UTC, seconds since 1970).

    Example:
        >>> clock = ManualClock()
        >>> clock.advance(60.0)
        >>> clock.monotonic()
        60.0
    """

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._elapsed = 0.0

    def time(self) -> float:
        """Return the wall time (UTC, seconds since 1970)."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds since the clock was created."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Advance the wall time and the monotonic time.

        Args:
            seconds: Seconds to advance.
        """
        self._now += seconds
        self._elapsed += seconds

    def set_wall(self, now: float) -> None:
        """Set the wall time, as an administrator or NTP does. The monotonic time is unchanged.

        Args:
            now: New wall time (UTC, seconds since 1970).
        """
        self._now = now
