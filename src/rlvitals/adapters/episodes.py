"""Episodes, as environments tell them: what stands in `info`, and what has to be added up on the way."""

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
    "reward_parts": "reward_parts",
    "quality_initial": "quality_initial",
    "quality_final": "quality_final",
    "quality_improvement": "quality_improvement",
    "termination_reason": "termination_reason",
}
"""Keys of `info`, and the fields of an episode that they say."""

_FIRST = frozenset({"is_success", "category", "parameters"})
"""Of two keys that say the same field, the one that counts."""

_STATISTICS = frozenset({"r", "l", "t"})
"""What `info["episode"]` always holds: return, length, time. What else is in it, the user asked for by name."""

_REASONS: dict[bool | None, str | None] = {True: "truncated", False: "terminated", None: None}

_PENDING = 1_000
"""Most steps that are kept before they are added up."""


class Reported(NamedTuple):
    """What an episode came to.

    Attributes:
        reward: Its return, as far as the adapter added it up.
        length: Its steps, likewise.
        duration: Seconds from its start to its end; `None` where they are not known.
        statistics_count: Whether the statistics in `info["episode"]` go before `reward` and `length`.
        parts: The sum of each component of the rewards, by name, where these have any.
        extra: Numbers that go to `extra`.
    """

    reward: float
    length: int
    duration: float | None
    statistics_count: bool
    parts: dict[str, float]
    extra: dict[str, float]


class Ending(NamedTuple):
    """How one episode ended.

    Attributes:
        env_index: Which of several environments it ran in; `None` where there is but one.
        reward: Its return, as far as the adapter added it up.
        length: Its steps, likewise.
        duration: Seconds from its start to its end; `None` where they are not known.
        truncated: Whether it was cut off, by a time limit for example, rather than at an end of its own; `None` where
            that is not known.
        info: The last `info` of it.
        statistics_count: Whether the statistics in `info["episode"]` go before `reward` and `length`.
        parts: The sum of each component of the rewards, by name, where these have any.
        extra: Numbers that go to `extra`.
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
        """Make one of what an episode came to."""
        reward, length, duration, statistics_count, parts, extra = reported
        return cls(env_index, reward, length, duration, truncated, info, statistics_count, parts, extra)


class EpisodeTally:
    """Adds up the running episode of each environment.

    It is called at every step, where a NumPy operation on a few numbers takes longer than all else that a callback does
    there; so the steps are kept as they come, and added up when an episode ends.

    Args:
        environments: How many there are.
        clock: Seconds since some fixed moment.
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
        """The sum of all rewards so far, over all environments."""
        self._add_up()
        return self._finished + sum(self._returns)

    def add(self, rewards: list[float]) -> None:
        """Take in the rewards of one step of every environment; the list is kept."""
        self._pending.append(rewards)
        if len(self._pending) >= _PENDING:
            self._add_up()

    def ending(self, index: int) -> tuple[float, int, float]:
        """The return, the length and the seconds of an environment's episode, which ends here; the next one begins."""
        self._add_up()
        reward = self._returns[index]
        length = self._steps - self._first[index]
        duration = self._clock() - self._began[index]
        self._finished += reward
        self.restart(index)
        return reward, length, duration

    def restart(self, index: int) -> None:
        """Begin an environment's episode anew with the next step."""
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
    """Counts what could not be recorded, says the first of each kind once, and lets the training go on.

    Args:
        monitor: Where it is said.
    """

    def __init__(self, monitor: TrainingMonitor) -> None:
        self._monitor = monitor
        self.counts: dict[str, int] = {}

    def note(self, what: str, error: Exception) -> None:
        """Count one failure.

        Args:
            what: What could not be done, in a few words; each is said once.
            error: Why.
        """
        self.counts[what] = self.counts.get(what, 0) + 1
        if self.counts[what] > 1:
            return
        message = f"{what}: {type(error).__name__}: {error}; training goes on, and more of these are only counted"
        _log.warning("%s: %s", self._monitor.session_id, message, exc_info=not isinstance(error, RlvitalsError))
        self._say(message, severity="warning")

    @contextmanager
    def caught(self, what: str) -> Iterator[None]:
        """Note any exception of a `with` block, and go on behind it.

        Args:
            what: What could not be done if there is one.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - nothing that is only recorded may stop a training
            self.note(what, error)

    def tell(self, message: str, *, severity: str = "info") -> None:
        """Say something about the recording, in the log and in the run.

        Args:
            message: What, in whole sentences.
            severity: `info` or `warning`.
        """
        _log.log(
            logging.WARNING if severity == "warning" else logging.INFO, "%s: %s", self._monitor.session_id, message
        )
        self._say(message, severity=severity)

    def close(self) -> None:
        """Say how many there were in the end, where it was more than one."""
        for what, count in self.counts.items():
            if count > 1:
                self._say(f"{what}: {count} times", severity="warning")
        self.counts.clear()

    def _say(self, message: str, severity: str) -> None:
        try:
            self._monitor.log_event("adapter", message, severity=severity)
        except RlvitalsError as error:  # closed: the log has it
            _log.debug("the event could not be recorded: %s", error)


class EpisodeLog:
    """Records episodes under numbers that go on from the monitor's last.

    Args:
        monitor: Where they go.
        info_keys: Keys of `info` that are kept with each episode, besides those that have a field of their own.
        failures: Takes what cannot be recorded.
    """

    def __init__(self, monitor: TrainingMonitor, info_keys: Iterable[str], failures: FailureLog) -> None:
        self._monitor = monitor
        self._info_keys = tuple(info_keys)
        self._failures = failures

    def record(self, ending: Ending, env_step: int) -> None:
        """Record one episode; if its `info` holds what no record can, without that.

        Args:
            ending: How it ended.
            env_step: Environment steps of the whole training when it ended.
        """
        try:
            self._write(ending, env_step)
        except Exception as error:  # noqa: BLE001 - `info` is anybody's, and the training must go on
            self._failures.note("an episode's info could not be recorded", error)
            with self._failures.caught("an episode could not be recorded"):
                self._write(ending._replace(info=None), env_step)

    def _fields_of(self, ending: Ending) -> dict[str, Any]:
        """What `info` says of an episode, and what was added up beside its return."""
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
    """What the last `info` of an episode says of it.

    Args:
        info: `info["episode"]` (`r`, `l`, and what else a wrapper was asked to put there), `is_success`, `category` or
            `logo_type`, `difficulty`, `parameters`, `reward_parts`, `quality_initial`, `quality_final`,
            `quality_improvement`, `termination_reason`.
        info_keys: Further keys; numbers, flags and texts become `extra`, what is nested becomes `info`.

    Returns:
        Keyword arguments of `TrainingMonitor.log_episode`; only what was said.

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
    """The return and the length of an episode that a wrapper has put into its last `info`.

    Args:
        info: The last `info`; `info["episode"]` holds `r` and `l`, as Gymnasium and Stable-Baselines3 have it.

    Returns:
        `reward` and `length`; `length` alone for a return of several objectives; empty where they are missing.

    Raises:
        RecordError: They are not numbers.
    """
    statistics = info.get("episode") if isinstance(info, Mapping) else None
    if not isinstance(statistics, Mapping) or "r" not in statistics:
        return {}
    reward, length = plain_scalar(statistics["r"]), plain_scalar(statistics.get("l"))
    if getattr(reward, "shape", ()) and isinstance(length, float | int):  # of several objectives there is no one return
        return {"length": int(length)}
    if not isinstance(reward, float | int) or not isinstance(length, float | int):
        raise RecordError(
            f"info['episode'] must hold a return r and a length l, got {shown(statistics)}; "
            "use another key for other values"
        )
    return {"reward": float(reward), "length": int(length)}


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple | set) or getattr(value, "size", 1) != 1
