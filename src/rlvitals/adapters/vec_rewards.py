"""The environments' own rewards in a Stable-Baselines3 vector environment, below the wrappers that change them."""

import contextlib
from typing import Any

import gymnasium
from stable_baselines3.common.vec_env import SubprocVecEnv, VecEnv, VecEnvWrapper, VecNormalize

from rlvitals.adapters.raw_rewards import RawRewards, Replaced, TappedRewards
from rlvitals.adapters.reward_layers import Layers, chain_of, joined, layers_named, layers_of


def raw_rewards_of(env: VecEnv) -> tuple[Layers, RawRewards | None]:
    """Find a source of the environments' own rewards.

    Args:
        env: Environment that the algorithm steps.

    Returns:
        The effect of the wrappers on rewards, and a source of the rewards below them. The source is `None` if no
        wrapper changes rewards, or if only changed rewards are available.
    """
    chain = chain_of(env, VecEnvWrapper, "venv")
    innermost, outer = chain[-1], layers_of(chain)
    subs = getattr(innermost, "envs", None)
    chains = [chain_of(sub, gymnasium.Wrapper) for sub in subs] if isinstance(subs, list) else []
    inside = [layers_of(sub) for sub in chains]
    if isinstance(innermost, SubprocVecEnv):
        # Only text is requested: a subprocess that cannot pickle its answer dies and takes the training with it.
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
    """Rewards before a `VecNormalize` normalises them.

    Args:
        normalize: Lowest wrapper that changes rewards.
    """

    def __init__(self, normalize: VecNormalize) -> None:
        self._normalize = normalize

    def clear(self) -> None:
        """Do nothing, because no rewards are stored between steps."""

    def rows(self) -> list[Any]:
        """Return the rewards of the last step, one per environment."""
        rewards: list[Any] = self._normalize.old_reward.tolist()
        return rewards

    def remove(self) -> None:
        """Do nothing, because no methods were replaced."""


class SteppedRewards:
    """Rewards of the innermost vector environment, or of the environments inside it.

    Args:
        vector: Innermost vector environment.
        environments: Environments below all wrappers, one per row. Empty to use the rewards of the vector environment.

    Raises:
        AttributeError: The environments' methods cannot be replaced.
        TypeError: The environments' methods cannot be replaced.
    """

    def __init__(self, vector: VecEnv, environments: list[Any]) -> None:
        self._taps = TappedRewards(environments, vector.num_envs) if environments else None
        self._wait = vector.step_wait
        self._rewards: list[Any] = [None] * vector.num_envs
        self._replaced = Replaced(vector, step_wait=self._step_wait)

    def clear(self) -> None:
        """Do nothing, because every step discards the previous rewards itself."""

    def rows(self) -> list[Any]:
        """Return the rewards of the last step, one per environment. `None` for an environment without one."""
        return list(self._rewards) if self._taps is None else self._taps.rows()

    def remove(self) -> None:
        """Restore the original methods of the environments."""
        self._replaced.undo()
        if self._taps is not None:
            self._taps.remove()

    def _step_wait(self) -> Any:
        if self._taps is not None:  # other code, such as an evaluation, may have stepped the environment in between
            self._taps.clear()
        answer = self._wait()
        self._rewards = answer[1].tolist()
        return answer


def _stepped(vector: VecEnv, environments: list[Any]) -> SteppedRewards | None:
    with contextlib.suppress(AttributeError, TypeError):
        return SteppedRewards(vector, environments)
    return None
