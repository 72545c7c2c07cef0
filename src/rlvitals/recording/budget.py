"""The time that several steps share."""

import time

_RESERVE = 0.1


class Budget:
    """Counts down the seconds that the steps of one task may take together.

    It reads the system's own clock, because what it limits are waits of real threads and processes.

    Args:
        seconds: Length of the whole task.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def left(self, *, later_steps: int = 0) -> float:
        """Return the seconds that the present step may take, at least 0.

        Args:
            later_steps: Steps that follow. A tenth of the budget is kept for each, so that one that hangs does not take
                the time of those that work.
        """
        return max(0.0, self._deadline - time.monotonic() - later_steps * _RESERVE * self._seconds)
