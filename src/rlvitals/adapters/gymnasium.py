"""Gymnasium: wrappers that record episodes, for training loops of one's own.

    env = VitalsWrapper(gymnasium.make("CartPole-v1"), monitor)
    envs = VitalsVectorWrapper(gymnasium.make_vec("CartPole-v1", num_envs=8), monitor)

Needs the extra `gymnasium`. Updates are the loop's own to log: `monitor.log_training_step`.
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

    Wrap the outermost, so that the time limit's cut is seen. For several environments at once, wrap the vector
    environment with `VitalsVectorWrapper` instead, which counts their steps together.

    Nothing that the environment returns is changed, and nothing that goes wrong with the recording is raised out of
    `step` and `reset`. Where a wrapper below changes rewards (`NormalizeReward`, ...), the environment's own are
    recorded.

    Args:
        env: The environment.
        monitor: Where the episodes go; it is the caller's to close.
        info_keys: Keys of `info` that are kept with each episode, besides those that have a field of their own (see
            `adapters.episodes.episode_fields`).
        env_step: Environment steps taken before; by default the furthest that the monitor knows of.
        raw_rewards: Whether the environment's own rewards are recorded where wrappers change them; `False` records
            rewards as this wrapper sees them.

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
        chain = chain_of(env, gymnasium.Wrapper)
        self._recording = StepLog(
            monitor, info_keys, env_step, *_single(chain) if raw_rewards else (Layers(), None), environments=1
        )
        self._begin = self._recording.begin
        self._resets_next = any(isinstance(layer, gymnasium.wrappers.Autoreset) for layer in chain)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise NotPicklableError.of(type(self).__name__)

    @property
    def env_step(self) -> int:
        """Environment steps of the whole training."""
        return self._recording.env_step

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin a new episode; one that was not over is not recorded."""
        answer = super().reset(seed=seed, options=options)
        self._recording.restart()
        return answer

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the environment, and record the episode if it ends."""
        if self._begin is not None:
            self._begin()
        answer = self.env.step(action)
        self._recording.add_one(answer, resets_next=self._resets_next)
        return answer

    def close(self) -> None:
        """Close the environment; the monitor stays open."""
        self._recording.close()
        super().close()


class VitalsVectorWrapper(_VectorWrapper):
    """Records the episodes of every sub-environment of a vector environment, in each of its autoreset modes.

    With `NEXT_STEP` (also assumed where nothing is said) the step after an end only resets, and belongs to no episode;
    with `SAME_STEP` the last `info` is in `final_info`; with `DISABLED` the loop resets what it wants by `reset_mask`.

    A step of the vector counts as one environment step for each sub-environment, resetting ones too, as training loops
    count them.

    Args:
        env: The vector environment.
        monitor: Where the episodes go; it is the caller's to close.
        info_keys: Keys of `info` that are kept with each episode, besides those that have a field of their own (see
            `adapters.episodes.episode_fields`).
        env_step: Environment steps taken before; by default the furthest that the monitor knows of.
        raw_rewards: Whether the environments' own rewards are recorded where wrappers change them; `False` records
            rewards as this wrapper sees them.

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
        self._recording = StepLog(
            monitor,
            info_keys,
            env_step,
            *_vector(env) if raw_rewards else (Layers(), None),
            environments=env.num_envs,
        )
        self._begin = self._recording.begin
        mode = getattr(env.metadata.get("autoreset_mode"), "name", "NEXT_STEP")
        self._resets_next = mode == "NEXT_STEP"
        self._resets_same = mode == "SAME_STEP"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise NotPicklableError.of(type(self).__name__)

    @property
    def env_step(self) -> int:
        """Environment steps of the whole training."""
        return self._recording.env_step

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin new episodes, in all sub-environments or in those that `options["reset_mask"]` names.

        Episodes that were not over are not recorded.
        """
        mask = options.get("reset_mask") if isinstance(options, dict) else None  # before a wrapper takes it out
        answer = super().reset(seed=seed, options=options)
        self._recording.restart(mask)
        return answer

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """Step the environments, and record the episodes that end."""
        if self._begin is not None:
            self._begin()
        answer = self.env.step(actions)
        self._recording.add_all(answer, resets_next=self._resets_next, resets_same=self._resets_same)
        return answer

    def close(self, **kwargs: Any) -> None:
        """Close the environments; the monitor stays open."""
        self._recording.close()
        super().close(**kwargs)


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
        with contextlib.suppress(Exception):  # it is closed, or busy with a step
            texts = map(str, innermost.call("__str__"))
    inside = [layers_named(text) for text in texts]
    layers = joined(layers_of(chain), inside)
    if any(one.changers for one in inside):  # in another process: nothing can be heard there
        return layers, None
    return layers, _tapped(layers, [innermost], env.num_envs)


def _tapped(layers: Layers, environments: list[Any], count: int) -> TappedRewards | None:
    """Listen to environments, where a wrapper above them may change rewards and they can be listened to."""
    if not layers.changers and not layers.custom:
        return None
    with contextlib.suppress(AttributeError, TypeError):
        return TappedRewards(environments, count)
    return None
