"""Calls of `wandb.log` and its relatives, recorded in a run."""

import threading
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from rlvitals.adapters.episodes import FailureLog
from rlvitals.adapters.logged_media import Media
from rlvitals.adapters.tag_log import TagLog
from rlvitals.monitor import TrainingMonitor
from rlvitals.records.coercion import number_or_none
from rlvitals.records.step_names import env_step_in

SOURCE = "wandb"


class HistoryCalls:
    """Records rows of values. Every method is thread-safe and never raises.

    The step of a row is the value of the metric's `step_metric`, an environment step among the values (`global_step`,
    ...), the `step` of the call, or the number of the row, in this order.

    Args:
        monitor: Monitor that records the rows.
        tags: Log of the tagged values of this monitor.
    """

    def __init__(self, monitor: TrainingMonitor, tags: TagLog) -> None:
        self._monitor = monitor
        self._tags = tags
        self._failures = FailureLog(monitor)
        self._row = 0
        self._clocks: dict[str, str] = {}
        self._latest: dict[str, float] = {}
        self._lock = threading.RLock()

    @property
    def row(self) -> int:
        """Number of the current row."""
        return self._row

    def define_metric(self, name: str, step_metric: str | None = None) -> None:
        """Use another metric as the step of the metrics that a name or a pattern such as `train/*` matches."""
        if step_metric is not None:
            with self._lock:
                self._clocks[str(name)] = str(step_metric)

    def log(self, data: Mapping[str, Any], step: Any = None, *, commit: bool | None = None) -> None:
        """Record a row of values.

        Args:
            data: Values by name, which can be nested: numbers, short texts and media.
            step: Step of the row.
            commit: Whether the row is complete. Default: yes, unless there is a step.
        """
        with self._lock, self._failures.caught("a row could not be recorded"):
            values = dict(_flat(data))
            given = None if step is None else number_or_none(step)
            self._row = self._row if given is None else int(given)
            env_step = env_step_in(values)
            for name, value in values.items():
                number = number_or_none(value)
                if number is not None:
                    self._latest[name] = number
            for name, value in values.items():
                self._add(name, value, env_step, is_step_given=given is not None)
            if commit or (commit is None and step is None):
                self._row += 1

    def _add(self, name: str, value: Any, env_step: int | None, *, is_step_given: bool) -> None:
        clock = self._clock_of(name)
        reading = None if clock is None else self._latest.get(clock)
        step = env_step if reading is None else int(reading)
        at, known = (self._row, is_step_given) if step is None else (step, True)
        found = {name: value}
        if isinstance(value, Media):
            with self._failures.caught(f"{type(value).__name__} could not be recorded"):
                said = value.record(self._monitor, name, at if known else None)
                found = {f"{name}/{suffix}": number for suffix, number in said.items()}
        for tag, one in found.items():
            if not isinstance(one, Media):
                self._tags.add(tag, one, at, source=SOURCE, has_env_step=known)

    def _clock_of(self, name: str) -> str | None:
        if name in self._clocks:
            return self._clocks[name]
        return next((clock for pattern, clock in self._clocks.items() if fnmatchcase(name, pattern)), None)


def _flat(data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}/")
        elif isinstance(value, list | tuple) and value and all(isinstance(one, Media) for one in value):
            yield from ((f"{name}/{number}", one) for number, one in enumerate(value))
        else:
            yield name, value
