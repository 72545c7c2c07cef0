"""Live recording of single values with a name (tag), as TensorBoard writers and W&B report them."""

import math
import threading
import time as clock
from collections.abc import Callable, Hashable
from typing import Any

from rlvitals.adapters.episodes import FailureLog
from rlvitals.monitor import TrainingMonitor
from rlvitals.recording.ticker import Ticker
from rlvitals.records import Episode, Evaluation, Record
from rlvitals.records.coercion import number_or_none, plain_scalar, shown
from rlvitals.records.tag_reader import TagReader

IDLE_S = 1.0
"""Seconds without a new value after which the values until then are recorded."""


class TagLog:
    """Records tagged values in a monitor, combined into updates, episodes, evaluations and custom metrics.

    All values of one step form a record. It is written when the next step begins, after a second without a value, on
    `flush`, and before the run ends. Methods are thread-safe and never raise: failures are counted and reported once.

    Args:
        monitor: Monitor that records the values.
        env_step: Function that returns the environment step, if it is known from another source than the tags.
    """

    def __init__(self, monitor: TrainingMonitor, *, env_step: Callable[[], int | None] = lambda: None) -> None:
        self._monitor = monitor
        self._env_step = env_step
        self._failures = FailureLog(monitor)
        self._lock = threading.RLock()  # a signal handler can flush
        self._tags = TagReader(has_env_steps=False, make=self._make)
        self._sources: dict[str, Hashable] = {}
        self._steps: dict[str, int] = {}
        self._last = math.inf
        self._ticker: Ticker | None = None
        self._is_closed = False
        monitor.before_close(self.close)

    def expect_no_episodes(self) -> None:
        """Keep tags of episodes as custom metrics, because the environments' episodes are recorded."""
        self._tags.has_episodes = False

    def add(
        self,
        tag: str,
        value: Any,
        step: Any = None,
        *,
        time: float | None = None,
        source: Hashable = None,
        has_env_step: bool = True,
    ) -> None:
        """Record a value.

        Args:
            tag: Name of the value, such as `losses/policy_loss`.
            value: Number of any type (Python, NumPy, torch, JAX), bool or short text.
            step: Step on the counter of the program. Default: one more than the last step of this tag.
            time: Time of the value (UTC, seconds since 1970). Default: now.
            source: Logger that reports the value. If several loggers report a tag, only the first one is recorded.
            has_env_step: Whether the step is the environment step, if that is not known from another source.
        """
        if self._is_closed or self._monitor.is_child:  # in a child, another thread can have held the lock at the fork
            return
        with self._lock:
            try:  # not `caught`, because a context manager takes more than a microsecond
                if self._sources.setdefault(tag, source) == source:
                    self._add(tag, value, step, time, has_env_step=has_env_step)
            except Exception as error:  # noqa: BLE001 - training must continue
                self._failures.note(f"the value of {tag!r:.80} could not be recorded", error)

    def flush(self) -> None:
        """Record the values until now."""
        if self._monitor.is_child:
            return
        with self._lock, self._failures.caught("values could not be recorded"):
            self._last = math.inf
            for _ in self._tags.flush():
                pass

    def close(self) -> None:
        """Record the values until now, and stop: later values are ignored. The monitor stays open."""
        self._is_closed = True
        if self._ticker is not None:
            self._ticker.end()
            self._ticker = None
        self.flush()
        self._failures.close()

    def _add(self, tag: str, value: Any, step: Any, time: float | None, *, has_env_step: bool) -> None:
        plain = number_or_none(value)
        if plain is None:
            plain = plain_scalar(value)
            if not isinstance(plain, bool | str):
                raise TypeError(f"must be one number, a bool or a short text, got {shown(value)}")
        at = self._step_of(tag, step)
        now = clock.time() if time is None else time
        known = self._env_step()
        env_step = at if known is None and has_env_step and step is not None else known
        for _ in self._tags.add(tag, plain, step=at, time=now, env_step=env_step):
            pass  # the monitor has recorded it
        self._last = clock.monotonic()
        if self._ticker is None:
            self._ticker = Ticker(self._flush_idle, IDLE_S, "tags")

    def _flush_idle(self) -> None:
        if clock.monotonic() - self._last >= IDLE_S:
            self.flush()

    def _step_of(self, tag: str, step: Any) -> int:
        number = None if step is None else number_or_none(step)
        if step is not None and (number is None or not math.isfinite(number)):
            raise TypeError(f"the step must be a number, got {shown(step)}")
        at = self._steps.get(tag, -1) + 1 if number is None else max(0, int(number))
        self._steps[tag] = at
        return at

    def _make(self, kind: type[Record], values: dict[str, Any]) -> Record:
        if kind in {Episode, Evaluation}:
            last = self._monitor.last_episode
            values["episode"] = 0 if last is None else last + 1
        return self._monitor.log_record(kind, values)
