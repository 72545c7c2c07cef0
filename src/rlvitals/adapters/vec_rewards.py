"""The environments' own rewards in a vector environment of Stable-Baselines3, below the wrappers that change them."""

import contextlib
from typing import Any

import gymnasium
from stable_baselines3.common.vec_env import SubprocVecEnv, VecEnv, VecEnvWrapper, VecNormalize

from rlvitals.adapters.raw_rewards import RawRewards, Replaced, TappedRewards
from rlvitals.adapters.reward_layers import Layers, chain_of, joined, layers_named, layers_of


def raw_rewards_of(env: VecEnv) -> tuple[Layers, RawRewards | None]:
    """Find where an environment's own rewards can be had.

    Args:
        env: The environment that the algorithm steps.

    Returns:
        What the wrappers do to rewards, and the rewards below them; `None` where none changes them, or where only
        rewards that were changed can be had.
    """
    chain = chain_of(env, VecEnvWrapper, "venv")
    innermost, outer = chain[-1], layers_of(chain)
    subs = getattr(innermost, "envs", None)
    chains = [chain_of(sub, gymnasium.Wrapper) for sub in subs] if isinstance(subs, list) else []
    inside = [layers_of(sub) for sub in chains]
    if isinstance(innermost, SubprocVecEnv):
        # Only text is asked for: a process that cannot send what it was asked for dies, and the training with it.
        inside = [layers_named(text) for text in innermost.env_method("__str__")]
    layers = joined(outer, inside)
    if any(one.changers or one.custom for one in inside):
        return layers, _stepped(innermost, [sub[-1] for sub in chains]) if chains else None
    if outer.custom:
        return layers, _stepped(innermost, [])
    lowest = next((layer for layer in reversed(chain) if layers_of([layer, None]).changers), None)
    if isinstance(lowest, VecNormalize):
        return layers, UnnormalizedRewards(lowest)
    return layers, None if lowest is None else _stepped(innermost, [])


class UnnormalizedRewards:
    """Rewards as a `VecNormalize` got them.

    Args:
        normalize: The lowest one that changes rewards.
    """

    def __init__(self, normalize: VecNormalize) -> None:
        self._normalize = normalize

    def clear(self) -> None:
        """Nothing is kept between steps."""

    def rows(self) -> list[Any]:
        """The rewards of the step that was just taken, one for each environment."""
        rewards: list[Any] = self._normalize.old_reward.tolist()
        return rewards

    def remove(self) -> None:
        """Nothing was replaced."""


class SteppedRewards:
    """Rewards that the innermost vector environment gives, or the environments inside of it.

    Args:
        vector: The innermost vector environment.
        environments: The environments below all wrappers, one for each row; empty for the vector environment's own
            rewards.

    Raises:
        AttributeError: Their methods cannot be replaced.
        TypeError: The same.
    """

    def __init__(self, vector: VecEnv, environments: list[Any]) -> None:
        self._taps = TappedRewards(environments, vector.num_envs) if environments else None
        self._wait = vector.step_wait
        self._rewards: list[Any] = [None] * vector.num_envs
        self._replaced = Replaced(vector, step_wait=self._step_wait)

    def clear(self) -> None:
        """Nothing to do: every step begins by it."""

    def rows(self) -> list[Any]:
        """The rewards of the step that was just taken, one for each environment; `None` where it had none."""
        return list(self._rewards) if self._taps is None else self._taps.rows()

    def remove(self) -> None:
        """Give the environments their own methods back."""
        self._replaced.undo()
        if self._taps is not None:
            self._taps.remove()

    def _step_wait(self) -> Any:
        if self._taps is not None:  # whoever else steps this environment in between, such as an evaluation
            self._taps.clear()
        answer = self._wait()
        self._rewards = answer[1].tolist()
        return answer


def _stepped(vector: VecEnv, environments: list[Any]) -> SteppedRewards | None:
    with contextlib.suppress(AttributeError, TypeError):
        return SteppedRewards(vector, environments)
    return None
