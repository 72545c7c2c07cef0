"""Following of the reward of a run without episodes: the series is read again when the run grows, at a bounded cost."""

from rlvitals.clock import pause_after
from rlvitals.runs.folder import RunFolder
from rlvitals.runs.reward_series import RewardSeries, reward_series

_STREAMS = ("evaluations", "scalars", "updates")


class RewardFollower:
    """Reader of the reward series of a run.

    Args:
        run: Run to read.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._series: RewardSeries | None = None
        self._seen: list[tuple[str, int]] | None = None
        self._next = float("-inf")

    def read(self, now: float) -> RewardSeries | None:
        """Return the series as of the last read; `None` if the run has no reward.

        Args:
            now: Monotonic time, in seconds.

        Raises:
            RunFormatError: A segment is damaged.
        """
        if now < self._next:
            return self._series
        files = [segment.path for stream in _STREAMS for segment in self._run.layout.segments(stream)]
        seen = [(str(path), path.stat().st_size) for path in files]
        if seen != self._seen:
            self._series = reward_series(self._run)
            self._seen = seen
            self._next = now + pause_after(self._cost())
        return self._series

    def _cost(self) -> float:
        """Return the approximate time of a read, in seconds: ten microseconds per record."""
        return 1e-5 * (0 if self._series is None else self._series.values.size)
