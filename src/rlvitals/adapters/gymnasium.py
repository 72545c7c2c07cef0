"""Gymnasium wrappers that record episodes, for custom training loops.

    env = VitalsWrapper(gymnasium.make("CartPole-v1"), monitor)
    envs = VitalsVectorWrapper(gymnasium.make_vec("CartPole-v1", num_envs=8), monitor)

Requires the extra `gymnasium`. The training loop itself logs updates with `monitor.log_training_step`.
"""

from rlvitals.errors import MissingExtraError

try:
    import gymnasium
except ImportError as missing:
    raise MissingExtraError("VitalsWrapper", extra="gymnasium", module="gymnasium") from missing

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn, SupportsFloat, SupportsIndex

import gymnasium.wrappers
from gymnasium.vector import AsyncVectorEnv, VectorEnv, VectorWrapper
from numpy.typing import NDArray

from rlvitals.adapters.raw_rewards import TappedRewards
from rlvitals.adapters.reward_layers import Layers, chain_of, joined, layers_named, layers_of
from rlvitals.adapters.step_log import StepLog, info_of
from rlvitals.errors import NotPicklableError
from rlvitals.monitor import TrainingMonitor

__all__ = ["VitalsVectorWrapper", "VitalsWrapper", "info_of"]

Array = NDArray[Any]

if TYPE_CHECKING:
    _VectorWrapper = VectorWrapper[Any, Any, Any, Any, Any]
else:
    _VectorWrapper = VectorWrapper  # not generic before Gymnasium 1.4


class VitalsWrapper(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Records the episodes of one environment.

    Apply this wrapper last, so that it sees truncation by the time limit. For several environments at once, wrap the
    vector environment with `VitalsVectorWrapper` instead, which counts their steps together.

    The wrapper does not change what the environment returns, and `step` and `reset` never raise because of a recording
    failure. If an inner wrapper changes rewards (`NormalizeReward`, ...), the environment's own rewards are recorded.

    Args:
        env: Environment to wrap.
        monitor: Monitor that records the episodes. The caller closes it.
        info_keys: Keys of `info` to store with each episode, in addition to the keys with their own field (see
            `adapters.episodes.episode_fields`).
        env_step: Environment steps taken before. Default: the highest step that the monitor knows.
        raw_rewards: Whether to record the environment's own rewards if wrappers change them. `False` records rewards as
            this wrapper sees them.

    Raises:
        NotPicklableError: The monitor belongs to another process.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        monitor: TrainingMonitor,
        *,
        info_keys: Iterable[str] = (),
        env_step: int | None = None,
        raw_rewards: bool = True,
    ) -> None:
        super().__init__(env)
        self._recording = single_log(env, monitor, info_keys=info_keys, env_step=env_step, raw_rewards=raw_rewards)
        self._begin, self._add = self._recording.begin, self._recording.add

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise NotPicklableError.of(type(self).__name__)

    @property
    def env_step(self) -> int:
        """Environment steps of the whole training."""
        return self._recording.env_step

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset the environment. An unfinished episode is not recorded."""
        answer = super().reset(seed=seed, options=options)
        self._recording.restart()
        return answer

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the environment, and record the episode if it ends."""
        if self._begin is not None:
            self._begin()
        answer = self.env.step(action)
        self._add(answer)
        return answer

    def close(self) -> None:
        """Close the environment. The monitor stays open."""
        self._recording.close()
        super().close()


class VitalsVectorWrapper(_VectorWrapper):
    """Records the episodes of every sub-environment of a vector environment, in any autoreset mode.

    With `NEXT_STEP` (also assumed if the mode is missing), the step after the end of an episode only resets and belongs
    to no episode. With `SAME_STEP`, the last `info` is in `final_info`. With `DISABLED`, the training loop resets
    sub-environments with `reset_mask`.

    A step of the vector environment counts as one environment step per sub-environment, including resetting ones, as
    training loops count them.

    Args:
        env: Vector environment to wrap.
        monitor: Monitor that records the episodes. The caller closes it.
        info_keys: Keys of `info` to store with each episode, in addition to the keys with their own field (see
            `adapters.episodes.episode_fields`).
        env_step: Environment steps taken before. Default: the highest step that the monitor knows.
        raw_rewards: Whether to record the environments' own rewards if wrappers change them. `False` records rewards as
            this wrapper sees them.

    Raises:
        NotPicklableError: The monitor belongs to another process.
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        monitor: TrainingMonitor,
        *,
        info_keys: Iterable[str] = (),
        env_step: int | None = None,
        raw_rewards: bool = True,
    ) -> None:
        super().__init__(env)
        self._recording = vector_log(env, monitor, info_keys=info_keys, env_step=env_step, raw_rewards=raw_rewards)
        self._begin, self._add = self._recording.begin, self._recording.add

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise NotPicklableError.of(type(self).__name__)

    @property
    def env_step(self) -> int:
        """Environment steps of the whole training."""
        return self._recording.env_step

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset all sub-environments, or the ones selected by `options["reset_mask"]`.

        Unfinished episodes are not recorded.
        """
        mask = options.get("reset_mask") if isinstance(options, dict) else None  # before a wrapper removes it
        answer = super().reset(seed=seed, options=options)
        self._recording.restart(mask)
        return answer

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """Step the environments, and record the episodes that end."""
        if self._begin is not None:
            self._begin()
        answer = self.env.step(actions)
        self._add(answer)
        return answer

    def close(self, **kwargs: Any) -> None:
        """Close the environments. The monitor stays open."""
        self._recording.close()
        super().close(**kwargs)


def single_log(
    env: gymnasium.Env[Any, Any],
    monitor: TrainingMonitor,
    *,
    info_keys: Iterable[str] = (),
    env_step: int | None = None,
    raw_rewards: bool = True,
) -> StepLog:
    """Create the log of the steps of an environment. See `VitalsWrapper` for the arguments."""
    chain = chain_of(env, gymnasium.Wrapper)
    layers, raw = _single(chain) if raw_rewards else (Layers(), None)
    resets_next = any(isinstance(layer, gymnasium.wrappers.Autoreset) for layer in chain)
    return StepLog(monitor, info_keys, env_step, layers, raw, resets_next=resets_next)


def vector_log(
    env: VectorEnv[Any, Any, Any],
    monitor: TrainingMonitor,
    *,
    info_keys: Iterable[str] = (),
    env_step: int | None = None,
    raw_rewards: bool = True,
) -> StepLog:
    """Create the log of the steps of a vector environment. See `VitalsVectorWrapper` for the arguments."""
    layers, raw = _vector(env) if raw_rewards else (Layers(), None)
    mode = getattr(env.metadata.get("autoreset_mode"), "name", "NEXT_STEP")
    return StepLog(
        monitor,
        info_keys,
        env_step,
        layers,
        raw,
        environments=env.num_envs,
        resets_next=mode == "NEXT_STEP",
        resets_same=mode == "SAME_STEP",
    )


def _single(chain: list[Any]) -> tuple[Layers, TappedRewards | None]:
    layers = layers_of(chain)
    return layers, _tapped(layers, [chain[-1]], 1)


def _vector(env: VectorEnv[Any, Any, Any]) -> tuple[Layers, TappedRewards | None]:
    chain = chain_of(env, VectorWrapper)
    innermost = chain[-1]
    subs = getattr(innermost, "envs", None)
    if isinstance(subs, list | tuple) and len(subs) == env.num_envs:
        chains = [chain_of(sub, gymnasium.Wrapper) for sub in subs]
        layers = joined(layers_of(chain), map(layers_of, chains))
        return layers, _tapped(layers, [sub[-1] for sub in chains], env.num_envs)
    texts: Iterable[str] = ()
    if isinstance(innermost, AsyncVectorEnv):
        with contextlib.suppress(Exception):  # the environment is closed, or busy with a step
            texts = map(str, innermost.call("__str__"))
    inside = [layers_named(text) for text in texts]
    layers = joined(layers_of(chain), inside)
    if any(one.changers for one in inside):  # the wrapper runs in another process, where rewards cannot be captured
        return layers, None
    return layers, _tapped(layers, [innermost], env.num_envs)


def _tapped(layers: Layers, environments: list[Any], count: int) -> TappedRewards | None:
    """Capture the rewards of environments, if an outer wrapper can change them and capturing is possible."""
    if not layers.changers and not layers.custom:
        return None
    with contextlib.suppress(AttributeError, TypeError):
        return TappedRewards(environments, count)
    return None
