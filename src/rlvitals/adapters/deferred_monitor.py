"""A monitor whose run is opened later: what is logged until then is kept and logged again."""

import time as clock
from collections.abc import Callable
from typing import Any

from rlvitals.monitor import TrainingMonitor

_KEPT = 10_000


class DeferredMonitor:
    """Stand-in for a `TrainingMonitor` in an `EpisodeLog` or a `StepLog`, until the run is opened.

    A program that steps an environment is not always a training. It can check the environment or show a policy.

    Attributes:
        env_step: Environment steps until now.
        episodes: Number of episodes until now.
        is_child: Whether the process is the child of a fork. Always `False`.
    """

    is_child = False

    def __init__(self) -> None:
        self.env_step = 0
        self.episodes = 0
        self._monitor: TrainingMonitor | None = None
        self._calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    @property
    def session_id(self) -> str:
        """Name of the run, for log messages."""
        return "autolog" if self._monitor is None else self._monitor.session_id

    @property
    def last_episode(self) -> int | None:
        """Number of the last episode, or `None` before the first."""
        if self._monitor is None:
            return self.episodes - 1 if self.episodes else None
        return self._monitor.last_episode

    def open(self, monitor: TrainingMonitor) -> None:
        """Log everything until now, and pass on everything from now on."""
        calls, self._calls = self._calls, []
        offset = 0 if monitor.last_episode is None else monitor.last_episode + 1
        for name, args, kwargs in calls:
            shifted = (args[0] + offset, *args[1:]) if name == "log_episode" else args
            getattr(monitor, name)(*shifted, **kwargs)
        monitor.advance(self.env_step)
        self._monitor = monitor

    def advance(self, env_step: int) -> None:
        """See `TrainingMonitor.advance`."""
        self.env_step = env_step
        if self._monitor is not None:
            self._monitor.advance(env_step)

    def log_episode(self, *args: Any, **kwargs: Any) -> None:
        """See `TrainingMonitor.log_episode`."""
        self.episodes += 1
        self._call("log_episode", args, {"time": clock.time(), **kwargs})

    def log_event(self, *args: Any, **kwargs: Any) -> None:
        """See `TrainingMonitor.log_event`."""
        self._call("log_event", args, {"time": clock.time(), **kwargs})

    def update_configuration(self, *args: Any) -> None:
        """See `TrainingMonitor.update_configuration`."""
        self._call("update_configuration", args, {})

    def _call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._monitor is not None:
            method: Callable[..., Any] = getattr(self._monitor, name)
            method(*args, **kwargs)
        elif len(self._calls) < _KEPT:
            self._calls.append((name, args, kwargs))
