"""Episodes from environments: the contents of `info`, and sums over steps."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

from rlvitals.errors import RecordError, RlvitalsError
from rlvitals.monitor import TrainingMonitor
from rlvitals.records.coercion import plain_scalar, shown

_log = logging.getLogger("rlvitals")

_FIELD_OF: dict[str, str] = {
    "is_success": "success",
    "success": "success",
    "category": "category",
    "logo_type": "category",
    "difficulty": "difficulty",
    "parameters": "parameters",
    "parameters_explored": "parameters",
    "attempts": "attempts",
    "reward_parts": "reward_parts",
    "quality_initial": "quality_initial",
    "quality_final": "quality_final",
    "quality_improvement": "quality_improvement",
    "termination_reason": "termination_reason",
}
"""Keys of `info`, and the fields of an episode that they fill."""

_FIRST = frozenset({"is_success", "category", "parameters"})
"""Keys that win over another key for the same field."""

_STATISTICS = frozenset({"r", "l", "t"})
"""Keys that `info["episode"]` always has: return, length, time. Any other key was requested by the user."""

_REASONS: dict[bool | None, str | None] = {True: "truncated", False: "terminated", None: None}

_PENDING = 1_000
"""Maximum number of steps that are buffered before they are summed."""


class Reported(NamedTuple):
    """Totals of an episode.

    Attributes:
        reward: Return of the episode, as summed by the adapter.
        length: Number of steps, as counted by the adapter.
        duration: Seconds from start to end. `None` if unknown.
        statistics_count: Whether the statistics in `info["episode"]` override `reward` and `length`.
        parts: Sum of each reward component, by name. Empty without components.
        extra: Numbers for `extra`.
    """

    reward: float
    length: int
    duration: float | None
    statistics_count: bool
    parts: dict[str, float]
    extra: dict[str, float]


class Ending(NamedTuple):
    """End of one episode.

    Attributes:
        env_index: Index of the environment. `None` if there is only one.
        reward: Return of the episode, as summed by the adapter.
        length: Number of steps, as counted by the adapter.
        duration: Seconds from start to end. `None` if unknown.
        truncated: Whether the episode was truncated, for example by a time limit, and did not terminate. `None` if
            unknown.
        info: Last `info` of the episode.
        statistics_count: Whether the statistics in `info["episode"]` override `reward` and `length`.
        parts: Sum of each reward component, by name. Empty or `None` without components.
        extra: Numbers for `extra`.
    """

    env_index: int | None
    reward: float
    length: int
    duration: float | None
    truncated: bool | None
    info: Any
    statistics_count: bool = True
    parts: Mapping[str, float] | None = None
    extra: Mapping[str, float] | None = None

    @classmethod
    def of(cls, reported: Reported, env_index: int | None, *, truncated: bool, info: Any) -> Self:
        """Combine the totals of an episode with the circumstances of its end."""
        reward, length, duration, statistics_count, parts, extra = reported
        return cls(env_index, reward, length, duration, truncated, info, statistics_count, parts, extra)


class EpisodeTally:
    """Sums the rewards of the running episode of each environment.

    The tally is called at every step, and a NumPy operation on a few numbers would dominate the time of the callback.
    It therefore buffers the steps and sums them when an episode ends.

    Args:
        environments: Number of environments.
        clock: Function that returns seconds since a fixed time.
    """

    def __init__(self, environments: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.environments = environments
        self._clock = clock
        self._pending: list[list[float]] = []
        self._returns = [0.0] * environments
        self._steps = 0
        self._first = [0] * environments
        self._began = [clock()] * environments
        self._finished = 0.0

    @property
    def total(self) -> float:
        """Sum of all rewards until now, over all environments."""
        self._add_up()
        return self._finished + sum(self._returns)

    def add(self, rewards: list[float]) -> None:
        """Add the rewards of one step of every environment. The list is kept, so do not modify it."""
        self._pending.append(rewards)
        if len(self._pending) >= _PENDING:
            self._add_up()

    def ending(self, index: int) -> tuple[float, int, float]:
        """End the episode of an environment and start its next one.

        Return the return, length and duration in seconds.
        """
        self._add_up()
        reward = self._returns[index]
        length = self._steps - self._first[index]
        duration = self._clock() - self._began[index]
        self._finished += reward
        self.restart(index)
        return reward, length, duration

    def restart(self, index: int) -> None:
        """Restart the episode of an environment at its next step."""
        self._add_up()
        self._returns[index] = 0.0
        self._first[index] = self._steps
        self._began[index] = self._clock()

    def _add_up(self) -> None:
        if self._pending:
            self._steps += len(self._pending)
            for index, rewards in enumerate(zip(*self._pending, strict=True)):
                self._returns[index] += sum(rewards)
            self._pending.clear()


class FailureLog:
    """Counts failures to record, reports the first of each kind once, and lets the training continue.

    Args:
        monitor: Monitor that receives the reports.
    """

    def __init__(self, monitor: TrainingMonitor) -> None:
        self._monitor = monitor
        self.counts: dict[str, int] = {}

    def note(self, what: str, error: Exception) -> None:
        """Count one failure.

        Args:
            what: Short description of the failed operation. Each description is reported once.
            error: Cause of the failure.
        """
        self.counts[what] = self.counts.get(what, 0) + 1
        if self.counts[what] > 1:
            return
        message = f"{what}: {type(error).__name__}: {error}; training continues, and further ones are only counted"
        _log.warning("%s: %s", self._monitor.session_id, message, exc_info=not isinstance(error, RlvitalsError))
        self._say(message, severity="warning")

    @contextmanager
    def caught(self, what: str) -> Iterator[None]:
        """Note any exception in a `with` block and continue after it.

        Args:
            what: Description of the failed operation, for the report.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a failure to record must not stop the training
            self.note(what, error)

    def tell(self, message: str, *, severity: str = "info") -> None:
        """Report a message about the recording, in the log and as an event of the run.

        Args:
            message: Message in whole sentences.
            severity: `info` or `warning`.
        """
        _log.log(
            logging.WARNING if severity == "warning" else logging.INFO, "%s: %s", self._monitor.session_id, message
        )
        self._say(message, severity=severity)

    def close(self) -> None:
        """Report the number of failures of each kind that occurred more than once."""
        for what, count in self.counts.items():
            if count > 1:
                self._say(f"{what}: {count} times", severity="warning")
        self.counts.clear()

    def _say(self, message: str, severity: str) -> None:
        try:
            self._monitor.log_event("adapter", message, severity=severity)
        except RlvitalsError as error:  # the monitor is closed; the message is in the log
            _log.debug("the event could not be recorded: %s", error)


class EpisodeLog:
    """Records episodes, with numbers that continue from the monitor's last episode.

    Args:
        monitor: Monitor that records the episodes.
        info_keys: Keys of `info` to store with each episode, in addition to the keys with their own field.
        failures: Log for episodes that cannot be recorded.
    """

    def __init__(self, monitor: TrainingMonitor, info_keys: Iterable[str], failures: FailureLog) -> None:
        self._monitor = monitor
        self._info_keys = tuple(info_keys)
        self._failures = failures

    def record(self, ending: Ending, env_step: int) -> None:
        """Record one episode. If its `info` cannot be recorded, record the episode without it.

        Args:
            ending: End of the episode.
            env_step: Environment steps of the training when the episode ended.
        """
        try:
            self._write(ending, env_step)
        except Exception as error:  # noqa: BLE001 - `info` is arbitrary, and training must continue
            self._failures.note("an episode's info could not be recorded", error)
            with self._failures.caught("an episode could not be recorded"):
                self._write(ending._replace(info=None), env_step)

    def _fields_of(self, ending: Ending) -> dict[str, Any]:
        """Return the fields from `info` and from the totals of the episode."""
        fields = {} if ending.info is None else episode_fields(ending.info, self._info_keys)
        if not ending.statistics_count:
            fields.pop("reward", None)
            fields.pop("length", None)
        if ending.parts:
            fields.setdefault("reward_parts", ending.parts)
        if ending.extra:
            fields["extra"] = {**ending.extra, **fields.get("extra", {})}
        return fields

    def _write(self, ending: Ending, env_step: int) -> None:
        fields, last = self._fields_of(ending), self._monitor.last_episode
        core: dict[str, Any] = {
            "reward": ending.reward,
            "length": ending.length,
            "termination_reason": _REASONS[ending.truncated],
            "success": None,
        }
        self._monitor.log_episode(
            0 if last is None else last + 1,
            **(core | fields),
            env_step=env_step,
            env_index=ending.env_index,
            duration=ending.duration,
        )


def episode_fields(info: Mapping[str, Any], info_keys: Iterable[str] = ()) -> dict[str, Any]:
    """Return the fields of an episode that its last `info` fills.

    Args:
        info: `info["episode"]` (`r`, `l`, and further keys that a wrapper was asked to add), `is_success`, `category`
            or `logo_type`, `difficulty`, `parameters`, `attempts`, `reward_parts`, `quality_initial`, `quality_final`,
            `quality_improvement`, `termination_reason`.
        info_keys: Additional keys. Numbers, bools and texts are stored in `extra`, nested values in `info`.

    Returns:
        Keyword arguments of `TrainingMonitor.log_episode`, without missing values.

    Raises:
        RecordError: `info` is not a dict.
    """
    if not isinstance(info, Mapping):
        raise RecordError(f"info must be a dict, got {shown(info)}; return a dict from the environment's step")
    fields: dict[str, Any] = {}
    for key, value in info.items():
        field = _FIELD_OF.get(key)
        if field is not None and value is not None and (key in _FIRST or field not in fields):
            fields[field] = value
    asked = {key: info[key] for key in info_keys if info.get(key) is not None}
    statistics = info.get("episode")
    if isinstance(statistics, Mapping):
        fields |= statistics_of(info)
        if len(statistics) > len(_STATISTICS):
            asked = {key: value for key, value in statistics.items() if key not in _STATISTICS} | asked
    if asked:
        nested = {key: value for key, value in asked.items() if _is_nested(value)}
        fields["extra"] = {key: value for key, value in asked.items() if key not in nested}
        if nested:
            fields["info"] = nested
    return fields


def statistics_of(info: Any) -> dict[str, Any]:
    """Return the return and length that a wrapper put into the last `info` of an episode.

    Args:
        info: Last `info`. `info["episode"]` holds `r` and `l`, as in Gymnasium and Stable-Baselines3.

    Returns:
        `reward` and `length`. Only `length` for a multi-objective return. Empty if they are missing.

    Raises:
        RecordError: The return or length is not a number.
    """
    statistics = info.get("episode") if isinstance(info, Mapping) else None
    if not isinstance(statistics, Mapping) or "r" not in statistics:
        return {}
    reward, length = plain_scalar(statistics["r"]), plain_scalar(statistics.get("l"))
    if getattr(reward, "shape", ()) and isinstance(length, float | int):  # a multi-objective return is not one number
        return {"length": int(length)}
    if not isinstance(reward, float | int) or not isinstance(length, float | int):
        raise RecordError(
            f"info['episode'] must hold a return r and a length l, got {shown(statistics)}; "
            "use another key for other values"
        )
    return {"reward": float(reward), "length": int(length)}


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple | set) or getattr(value, "size", 1) != 1
