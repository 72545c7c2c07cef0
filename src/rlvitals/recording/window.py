"""The live window: the last records of each stream and running totals, in memory."""

from collections import deque
from collections.abc import Callable
from typing import Any

from rlvitals.records import STREAMS, Episode, PolicyUpdate, Record, SystemSample
from rlvitals.records.progress import STEPS, step_of

BUFFER_SIZE = 1_000
_STEPPING = tuple(STREAMS[stream] for stream in STEPS if STREAMS[stream] is not SystemSample)
"""Record classes with an environment step, except system samples, which copy the step of this window."""
_IN_FLIGHT = 64
"""Margin for records that are counted but not in the buffer yet: at most one per thread that is logging."""


class LiveWindow:
    """Circular buffers of the last records of each stream. Thread-safe, with constant memory use.

    Args:
        size: Number of records to keep per stream.
    """

    def __init__(self, size: int = BUFFER_SIZE) -> None:
        self.size = size
        self._buffers: dict[type[Record], deque[Any]] = {kind: deque(maxlen=size) for kind in STREAMS.values()}
        self._taken: dict[type[Record], Callable[[], int]] = {}
        self._before: dict[type[Record], int] = {}
        self._last_episode: int | None = None
        self._env_step: int | None = None
        self._looked_at: dict[type[Record], int] = {}

    def adder(self, kind: type[Record], taken: Callable[[], int]) -> Callable[[Any], None]:
        """Return the function that adds validated records of one kind.

        It is the `append` method of the buffer, to keep logging fast. Totals are computed when they are requested.

        Args:
            kind: Record class.
            taken: Callback that returns the number of records of this kind until now, including those in the buffer.
        """
        self._taken[kind] = taken
        return self._buffers[kind].append

    @property
    def episodes(self) -> int:
        """Number of episodes of the whole run, without abandoned branches."""
        return self._total(Episode)

    @property
    def updates(self) -> int:
        """Number of policy updates of the whole run, without abandoned branches."""
        return self._total(PolicyUpdate)

    @property
    def is_whole(self) -> bool:
        """Whether the window contains every record of the run."""
        return not self._before and all(taken() <= self.size for taken in self._taken.values())

    @property
    def last_episode(self) -> int | None:
        """Number of the last episode, or `None` before the first."""
        episodes = self.last(Episode, 1)
        return episodes[0].episode if episodes else self._last_episode

    @property
    def last_time(self) -> float | None:
        """Time of the last record of the training (UTC, seconds since 1970), or `None` before the first.

        System samples and events are left out, because a training that hangs has them too.
        """
        times = [record.time for kind in _STEPPING for record in self.last(kind, 1)]
        return max(times, default=None)

    @property
    def env_step(self) -> int | None:
        """Highest environment step logged, or `None` before the first."""
        for kind, taken in ((kind, self._count(kind)) for kind in _STEPPING):
            fresh = taken - self._looked_at.get(kind, 0)
            self._looked_at[kind] = taken
            for record in self.last(kind, fresh + _IN_FLIGHT) if fresh else ():
                step = step_of(record)
                if step is not None:
                    self.advance(step)
        return self._env_step

    def advance(self, env_step: int) -> None:
        """Raise the current environment step between two records. A lower step has no effect.

        Args:
            env_step: Environment steps taken until now.
        """
        if self._env_step is None or env_step > self._env_step:
            self._env_step = env_step

    def rewind(self, *, episodes: int, updates: int, last_episode: int | None, env_step: int | None) -> None:
        """Set the totals to those of the branch that continues, and clear the buffers.

        Args:
            episodes: Number of episodes.
            updates: Number of policy updates.
            last_episode: Number of the last episode, or `None`.
            env_step: Current environment step, or `None`.
        """
        for buffer in self._buffers.values():
            buffer.clear()
        self._before = {Episode: episodes - self._taken[Episode](), PolicyUpdate: updates - self._taken[PolicyUpdate]()}
        self._last_episode, self._env_step = last_episode, env_step

    def last(self, kind: type[Any], count: int | None = None) -> list[Any]:
        """Return the last records of a kind, oldest first.

        Args:
            kind: Record class.
            count: Maximum number of records, or `None` for all in the window.
        """
        if count == 1:
            try:
                return [self._buffers[kind][-1]]
            except IndexError:
                return []
        records = list(self._buffers[kind])  # atomic: no other thread runs during the copy
        return records if count is None else records[max(0, len(records) - count) :]

    def _total(self, kind: type[Record]) -> int:
        return self._before.get(kind, 0) + self._count(kind)

    def _count(self, kind: type[Record]) -> int:
        return self._taken[kind]() if kind in self._taken else 0
