"""Rewards of any kind, added up to returns: numbers, tensors, vectors of objectives, dicts of agents, or nothing."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, SupportsFloat

import numpy as np

from rlvitals.adapters.episodes import EpisodeTally
from rlvitals.records.coercion import plain_scalar
from rlvitals.records.kinds import MAX_KEYS

_MAX_DEPTH = 8
"""Deepest nesting of a reward: agents of teams, each with a vector of objectives, need three levels."""

_NUMBERS = (float, int, np.floating, np.integer)


class Return(NamedTuple):
    """The return of one episode.

    Attributes:
        reward: Sum of all rewards; NaN where no step gave a number.
        length: Steps.
        duration: Seconds.
        parts: Sum of each component, by name, where rewards have components.
        unreadable: Steps whose reward is not a number, and which are not part of the sum.
    """

    reward: float
    length: int
    duration: float
    parts: dict[str, float]
    unreadable: int


class ReturnTally:
    """Adds up the rewards of the running episode of each environment, whatever their type.

    Args:
        environments: Number of environments.
    """

    def __init__(self, environments: int) -> None:
        self.steps = EpisodeTally(environments)
        self._parts: list[dict[str, float]] = [{} for _ in range(environments)]
        self._unreadable = [0] * environments
        self._is_plain = True

    def add(self, rewards: list[float]) -> None:
        """Add one step of every environment, all of them plain numbers; the list is kept."""
        self.steps.add(rewards)

    def add_any(self, rewards: Sequence[Any]) -> list[float]:
        """Add one step of every environment.

        Args:
            rewards: One reward for each environment, of any type.

        Returns:
            What was added for each environment: the number, the sum of the components, or 0 for no reward.
        """
        totals = [reward if type(reward) is float else self._total(i, reward) for i, reward in enumerate(rewards)]
        self.steps.add(totals)
        return totals

    def ending(self, index: int) -> Return:
        """End an environment's episode; its next step begins another."""
        reward, length, duration = self.steps.ending(index)
        if self._is_plain:
            return Return(reward, length, duration, {}, 0)
        parts, unreadable = self._parts[index], self._unreadable[index]
        self._forget(index)
        return Return(math.nan if unreadable >= length > 0 else reward, length, duration, parts, unreadable)

    def restart(self, index: int) -> None:
        """Begin another episode of an environment with its next step; the current one is dropped."""
        self.steps.restart(index)
        self._forget(index)

    def _forget(self, index: int) -> None:
        if not self._is_plain:
            self._parts[index], self._unreadable[index] = {}, 0

    def _total(self, index: int, reward: Any) -> float:
        read = read_reward(reward)
        if type(read) is float:
            return read
        self._is_plain = False
        if not isinstance(read, dict):
            self._unreadable[index] += 1
            return 0.0
        parts = self._parts[index]
        for name, value in read.items():
            parts[name] = parts.get(name, 0.0) + value
        return sum(read.values())


def read_reward(reward: Any) -> float | dict[str, float] | None:
    """Read what an environment gave as the reward of one step.

    Args:
        reward: A number, a scalar or array of any library, a dict by agent or objective, or anything else.

    Returns:
        A number for a scalar or an array of one element; the numbers by name for several components; `None` for what
        holds no number, such as `None`, text or a masked value.
    """
    try:
        if isinstance(reward, _NUMBERS):
            return float(reward)
        found = dict(_components(reward, "", 0))
    except Exception:  # noqa: BLE001 - an object of the environment's may raise anything when it is read
        return None
    if tuple(found) == ("",):
        return found[""]
    if len(found) > MAX_KEYS:  # no record holds so many parts
        return sum(found.values())
    return found or None


def is_set(flag: Any) -> bool:
    """Read a flag that an environment gave: whether an episode is over.

    Args:
        flag: A truth value, a number, an array or tensor, or a dict by agent; of several, all count, or `__all__`.

    Returns:
        Whether it is set; `False` for what has no truth value.
    """
    if type(flag) is bool or flag is None:
        return bool(flag)
    try:
        if isinstance(flag, Mapping):
            everyone = flag.get("__all__")
            return is_set(everyone) if everyone is not None else bool(flag) and all(map(is_set, flag.values()))
        plain = plain_scalar(flag)
        items = plain.tolist() if hasattr(plain, "tolist") else plain
        if isinstance(items, list | tuple):
            return bool(items) and all(map(is_set, items))
        return not isinstance(items, str) and bool(items)
    except Exception:  # noqa: BLE001 - the same
        return False


def rows_of(values: Any, environments: int) -> list[Any]:
    """Take what a vector environment gave apart, one value for each sub-environment.

    Args:
        values: An array, tensor or list over sub-environments, or a dict of such.
        environments: Number of sub-environments.

    Raises:
        ValueError: It holds values for another number of sub-environments.
    """
    if isinstance(values, Mapping):
        columns = {key: rows_of(column, environments) for key, column in values.items()}
        return [{key: column[index] for key, column in columns.items()} for index in range(environments)]
    rows = list(values.tolist() if hasattr(values, "tolist") else values)
    if len(rows) != environments:
        raise ValueError(f"{len(rows)} values for {environments} environments; return one value for each")
    return rows


def _components(value: Any, name: str, depth: int) -> Iterable[tuple[str, float]]:
    if value is None or value is np.ma.masked or isinstance(value, str | bytes) or depth > _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _components(item, f"{name}/{key}" if name else str(key), depth + 1)
        return
    plain = value if isinstance(value, np.ma.MaskedArray) else plain_scalar(value)
    items = plain.tolist() if hasattr(plain, "tolist") else plain
    if isinstance(items, list | tuple):
        for index, item in enumerate(items):
            inner = name if len(items) == 1 else f"{name}/{index}" if name else f"reward_{index}"
            yield from _components(item, inner, depth + 1)
    elif isinstance(items, SupportsFloat) and not isinstance(items, str | bytes):
        yield name, float(items)
