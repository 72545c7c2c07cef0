"""A clock that a test drives by hand."""


class ManualClock:
    """Stands still until it is told to go on.

    Args:
        now: The wall time that it begins with (UTC, seconds since 1970).
    """

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._elapsed = 0.0

    def time(self) -> float:
        """The wall time."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass, on both readings."""
        self._now += seconds
        self._elapsed += seconds

    def set_wall(self, now: float) -> None:
        """Set the wall time, as an administrator or NTP would; the other reading goes on as it was."""
        self._now = now
