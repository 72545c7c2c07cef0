"""A time budget shared by several steps."""

import time

_RESERVE = 0.1


class Budget:
    """Time budget of a task with several steps.

    It reads the system clock, because it limits waits for real threads and processes.

    Args:
        seconds: Time for the whole task, in seconds.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def left(self, *, later_steps: int = 0) -> float:
        """Return the seconds available to the current step, at least 0.

        Args:
            later_steps: Number of steps that follow. A tenth of the budget is reserved for each, so that a step that
                hangs does not use up the time of the remaining steps.
        """
        return max(0.0, self._deadline - time.monotonic() - later_steps * _RESERVE * self._seconds)
