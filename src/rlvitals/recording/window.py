"""The live window: the last records of each stream, and running totals, without touching the disk."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from rlvitals.records import STREAMS, Episode, PolicyUpdate, Record

BUFFER_SIZE = 1_000


class LiveWindow:
    """Keeps the last records of each stream in circular buffers. Safe from any thread; flat in memory.

    Args:
        size: Records kept a stream.
    """

    def __init__(self, size: int = BUFFER_SIZE) -> None:
        self.size = size
        self.episodes = 0
        self.successes = 0
        self.updates = 0
        self.last_episode: int | None = None
        self.env_step: int | None = None
        self.last_time: float | None = None
        # Re-entrant, as a signal handler may log while its own thread is inside `add`.
        self._lock = threading.RLock()
        self._buffers: dict[type[Record], deque[Any]] = {kind: deque(maxlen=size) for kind in STREAMS.values()}

    def adder(self, kind: type[Record]) -> Callable[[Any], None]:
        """The function that takes in the checked records of one kind."""
        if kind is Episode:
            return self._add_episode
        if kind is PolicyUpdate:
            return self._add_update
        return self._buffers[kind].append

    def advance(self, env_step: int) -> None:
        """Note how far the training is, between two records."""
        if self.env_step is None or env_step > self.env_step:
            self.env_step = env_step

    def rewind(
        self, *, episodes: int, successes: int, updates: int, last_episode: int | None, env_step: int | None
    ) -> None:
        """Set the totals to those of the branch that goes on, and forget the one that was left."""
        with self._lock:
            for buffer in self._buffers.values():
                buffer.clear()
            self.episodes, self.successes, self.updates = episodes, successes, updates
            self.last_episode, self.env_step = last_episode, env_step

    def last(self, kind: type[Any], count: int | None = None) -> list[Any]:
        """The last records of a kind, oldest first; at most `count` of them."""
        with self._lock:
            records = list(self._buffers[kind])
        return records if count is None else records[max(0, len(records) - count) :]

    def reset_lock(self) -> None:
        """Make a new lock: for the child of a fork, in which the old one may be held by nobody."""
        self._lock = threading.RLock()

    def _add_episode(self, record: Episode) -> None:
        with self._lock:
            self._buffers[Episode].append(record)
            self.episodes += 1
            self.successes += record.success is True
            self.last_episode = record.episode
            self.last_time = record.time
            if record.env_step is not None:
                self.advance(record.env_step)

    def _add_update(self, record: PolicyUpdate) -> None:
        with self._lock:
            self._buffers[PolicyUpdate].append(record)
            self.updates += 1
            self.last_time = record.time
            if record.env_step is not None:
                self.advance(record.env_step)
