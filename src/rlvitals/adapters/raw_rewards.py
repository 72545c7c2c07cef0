"""The environment's own rewards, captured below the wrappers that change them."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from rlvitals.adapters.returns import read_reward, rows_of


class RawRewards(Protocol):
    """Source of the environment's own rewards."""

    def clear(self) -> None:
        """Discard captured rewards before a step."""

    def rows(self) -> list[Any]:
        """Return the rewards of the last step, one per environment. `None` for an environment without one."""

    def remove(self) -> None:
        """Stop capturing."""


class TappedRewards:
    """Rewards of environments that are objects in this process.

    Args:
        environments: Innermost environments, one per row, or one vector environment that returns all rows.
        count: Number of rows.

    Raises:
        AttributeError: The environments' methods cannot be replaced.
        TypeError: The environments' methods cannot be replaced.
    """

    def __init__(self, environments: Sequence[Any], count: int) -> None:
        self._taps: list[RewardTap] = []
        self._count = count
        try:
            for env in environments:
                self._taps.append(RewardTap(env))
        except BaseException:
            self.remove()
            raise

    def clear(self) -> None:
        """Discard captured rewards before a step."""
        for tap in self._taps:
            tap.clear()

    def rows(self) -> list[Any]:
        """Return the rewards of the last step, one per environment. `None` for an environment without one."""
        if len(self._taps) == self._count:
            return [_summed(tap.rewards) for tap in self._taps]
        steps = [rows_of(rewards, self._count) for rewards in self._taps[0].rewards]
        return [_summed([step[index] for step in steps]) for index in range(self._count)]

    def remove(self) -> None:
        """Restore the original methods of the environments."""
        for tap in self._taps:
            tap.remove()


class RewardTap:
    """Captures the rewards that an environment returns, below all wrappers.

    It replaces the methods of this one object and restores them when it is removed. A wrapper in between would hide the
    environment's attributes from the wrapper above it.

    Args:
        env: Environment to capture.

    Attributes:
        rewards: Rewards since the last `clear`, up to the first reset after them. Several if a wrapper repeats actions,
            and none if a step only reset the environment.

    Raises:
        AttributeError: The environment's methods cannot be replaced.
    """

    def __init__(self, env: Any) -> None:
        self.rewards: list[Any] = []
        self._is_inside = self._is_over = False
        self._step, self._reset = env.step, env.reset
        self._replaced = Replaced(env, step=self._tapped_step, reset=self._tapped_reset)

    def clear(self) -> None:
        """Discard captured rewards before a step."""
        self.rewards, self._is_over = [], False

    def remove(self) -> None:
        """Restore the original methods of the environment."""
        self._replaced.undo()

    def _tapped_step(self, *args: Any, **more: Any) -> Any:
        if self._is_inside:  # an environment whose `step` calls itself
            return self._step(*args, **more)
        self._is_inside = True
        try:
            answer = self._step(*args, **more)
        finally:
            self._is_inside = False
        if not self._is_over and isinstance(answer, tuple) and len(answer) > 1:
            self.rewards.append(answer[1])
        return answer

    def _tapped_reset(self, *args: Any, **more: Any) -> Any:
        self._is_over = bool(self.rewards)  # steps within this reset belong to no episode
        return self._reset(*args, **more)


class Replaced:
    """Replaced methods of one object, until `undo`. They keep the original signatures, which Gymnasium checks.

    Args:
        owner: Object whose methods are replaced.
        **methods: Replacements by method name.

    Raises:
        AttributeError: The methods cannot be replaced.
    """

    def __init__(self, owner: Any, **methods: Callable[..., Any]) -> None:
        self._owner = owner
        self._before = {name: vars(owner)[name] for name in methods if name in vars(owner)}
        self._methods = {
            name: functools.wraps(getattr(owner, name))(functools.partial(method)) for name, method in methods.items()
        }
        for name, method in self._methods.items():
            setattr(owner, name, method)

    def undo(self) -> None:
        """Restore the original methods. A method that other code has replaced since is left alone."""
        own = vars(self._owner)
        for name, method in self._methods.items():
            if own.get(name) is not method:
                continue
            if name in self._before:
                own[name] = self._before[name]
            else:
                del own[name]


def _summed(rewards: Sequence[Any]) -> Any:
    """Sum the rewards of a repeated action."""
    if len(rewards) < 2:  # noqa: PLR2004 - nearly always one
        return rewards[0] if rewards else None
    total: dict[str, float] = {}
    for reward in rewards:
        read = read_reward(reward)
        parts = read if isinstance(read, Mapping) else {"": read or 0.0}
        for name, value in parts.items():
            total[name] = total.get(name, 0.0) + value
    return total[""] if tuple(total) == ("",) else total
