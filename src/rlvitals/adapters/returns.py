"""Returns of rewards of any type: numbers, tensors, vectors of objectives, dicts by agent, or none."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, SupportsFloat

import numpy as np

from rlvitals.adapters.episodes import EpisodeTally
from rlvitals.records.coercion import plain_scalar
from rlvitals.records.kinds import MAX_KEYS

_MAX_DEPTH = 8
"""Maximum nesting depth of a reward. Three levels suffice for teams of agents with several objectives each."""

_FLAGS = (bool, np.bool_, type(None))
_NUMBERS = (float, int, np.floating, np.integer)


class Return(NamedTuple):
    """Return of one episode.

    Attributes:
        reward: Sum of all rewards. NaN if no step returned a number.
        length: Number of steps.
        duration: Duration in seconds.
        parts: Sum of each reward component, by name. Empty without components.
        unreadable: Number of steps whose reward is not a number. They are not part of the sum.
    """

    reward: float
    length: int
    duration: float
    parts: dict[str, float]
    unreadable: int


class ReturnTally:
    """Sums the rewards of the running episode of each environment, whatever their type.

    Args:
        environments: Number of environments.
    """

    def __init__(self, environments: int) -> None:
        self.steps = EpisodeTally(environments)
        self._parts: list[dict[str, float]] = [{} for _ in range(environments)]
        self._unreadable = [0] * environments
        self._is_plain = True

    def add(self, rewards: list[float]) -> None:
        """Add one step of every environment, with float rewards. The list is kept, so do not modify it."""
        self.steps.add(rewards)

    def add_any(self, rewards: Sequence[Any]) -> list[float]:
        """Add one step of every environment.

        Args:
            rewards: One reward per environment, of any type.

        Returns:
            The added value per environment: the number, the sum of the components, or 0 without a reward.
        """
        totals = [reward if type(reward) is float else self._total(i, reward) for i, reward in enumerate(rewards)]
        self.steps.add(totals)
        return totals

    def ending(self, index: int) -> Return:
        """End the episode of an environment. Its next step starts another one."""
        reward, length, duration = self.steps.ending(index)
        if self._is_plain:
            return Return(reward, length, duration, {}, 0)
        parts, unreadable = self._parts[index], self._unreadable[index]
        self._forget(index)
        return Return(math.nan if unreadable >= length > 0 else reward, length, duration, parts, unreadable)

    def restart(self, index: int) -> None:
        """Restart the episode of an environment at its next step. The current episode is dropped."""
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
    """Read the reward of one step.

    Args:
        reward: Number, scalar or array of any library, dict by agent or objective, or any other value.

    Returns:
        A number for a scalar or an array with one element. Numbers by name for several components. `None` for a value
        without a number, such as `None`, text or a masked value.
    """
    try:
        if isinstance(reward, _NUMBERS):
            return float(reward)
        found = dict(_components(reward, "", 0))
    except Exception:  # noqa: BLE001 - a foreign object may raise anything when it is read
        return None
    if tuple(found) == ("",):
        return found[""]
    if len(found) > MAX_KEYS:  # too many components for a record
        return sum(found.values())
    return found or None


def is_set(flag: Any) -> bool:
    """Read a flag from an environment, such as whether an episode is over.

    Args:
        flag: Bool, number, array or tensor, or dict by agent. Of several values, all must be true, unless there is
            `__all__`.

    Returns:
        Whether the flag is set. `False` for a value without a truth value.
    """
    if type(flag) in _FLAGS:
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
    except Exception:  # noqa: BLE001 - a foreign object may raise anything when it is read
        return False


def rows_of(values: Any, environments: int) -> list[Any]:
    """Split the result of a vector environment into one value per sub-environment.

    Args:
        values: Array, tensor or list over sub-environments, or a dict of these.
        environments: Number of sub-environments.

    Returns:
        One value per sub-environment.

    Raises:
        ValueError: The number of values differs from the number of sub-environments.
    """
    if isinstance(values, Mapping):
        columns = {key: rows_of(column, environments) for key, column in values.items()}
        return [{key: column[index] for key, column in columns.items()} for index in range(environments)]
    rows = list(values.tolist() if hasattr(values, "tolist") else values)
    if len(rows) != environments:
        raise ValueError(f"got {len(rows)} values for {environments} environments; return one value for each")
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
