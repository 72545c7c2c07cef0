"""The live window: the last records of each stream, and running totals, without touching the disk."""

from collections import deque
from collections.abc import Callable
from typing import Any

from rlvitals.records import STREAMS, Episode, PolicyUpdate, Record, SystemSample
from rlvitals.records.progress import STEPS, step_of

BUFFER_SIZE = 1_000
_STEPPING = tuple(STREAMS[stream] for stream in STEPS if STREAMS[stream] is not SystemSample)
"""Kinds of record that say how far the training is; a sample of the system says what is known here."""
_IN_FLIGHT = 64
"""Records that may have been counted and not yet be in the buffer: one a thread that logs at this moment."""


class LiveWindow:
    """Keeps the last records of each stream in circular buffers. Safe from any thread; flat in memory.

    Args:
        size: Records kept a stream.
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
        """The function that takes in the checked records of one kind.

        It is the buffer's own `append`: the training pays for nothing else, and totals are worked out when asked for.

        Args:
            kind: The kind of record.
            taken: Says how many records of that kind there have been so far, those in the buffer and before.
        """
        self._taken[kind] = taken
        return self._buffers[kind].append

    @property
    def episodes(self) -> int:
        """Episodes of the whole run, on the branch that goes on."""
        return self._total(Episode)

    @property
    def updates(self) -> int:
        """Policy updates of the whole run, on the branch that goes on."""
        return self._total(PolicyUpdate)

    @property
    def is_whole(self) -> bool:
        """Whether it holds every record of the run."""
        return not self._before and all(taken() <= self.size for taken in self._taken.values())

    @property
    def last_episode(self) -> int | None:
        """The number of the last episode; `None` before the first."""
        episodes = self.last(Episode, 1)
        return episodes[0].episode if episodes else self._last_episode

    @property
    def last_time(self) -> float | None:
        """When the last episode or update was (UTC, seconds since 1970); `None` before the first."""
        times = [record.time for kind in (Episode, PolicyUpdate) for record in self.last(kind, 1)]
        return max(times, default=None)

    @property
    def env_step(self) -> int | None:
        """The furthest environment step that was said; `None` before the first."""
        for kind, taken in ((kind, self._count(kind)) for kind in _STEPPING):
            fresh = taken - self._looked_at.get(kind, 0)
            self._looked_at[kind] = taken
            for record in self.last(kind, fresh + _IN_FLIGHT) if fresh else ():
                step = step_of(record)
                if step is not None:
                    self.advance(step)
        return self._env_step

    def advance(self, env_step: int) -> None:
        """Note how far the training is, between two records."""
        if self._env_step is None or env_step > self._env_step:
            self._env_step = env_step

    def rewind(self, *, episodes: int, updates: int, last_episode: int | None, env_step: int | None) -> None:
        """Set the totals to those of the branch that goes on, and forget the one that was left."""
        for buffer in self._buffers.values():
            buffer.clear()
        self._before = {Episode: episodes - self._taken[Episode](), PolicyUpdate: updates - self._taken[PolicyUpdate]()}
        self._last_episode, self._env_step = last_episode, env_step

    def last(self, kind: type[Any], count: int | None = None) -> list[Any]:
        """The last records of a kind, oldest first; at most `count` of them."""
        if count == 1:
            try:
                return [self._buffers[kind][-1]]
            except IndexError:
                return []
        records = list(self._buffers[kind])  # at once: no other thread runs meanwhile
        return records if count is None else records[max(0, len(records) - count) :]

    def _total(self, kind: type[Record]) -> int:
        return self._before.get(kind, 0) + self._count(kind)

    def _count(self, kind: type[Record]) -> int:
        return self._taken[kind]() if kind in self._taken else 0
