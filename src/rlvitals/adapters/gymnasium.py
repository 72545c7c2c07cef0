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

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, SupportsFloat

import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper
from numpy.typing import NDArray

from rlvitals.adapters.episodes import Ending, EpisodeLog, EpisodeTally, Troubles
from rlvitals.monitor import TrainingMonitor

Array = NDArray[Any]

if TYPE_CHECKING:
    _VectorWrapper = VectorWrapper[Any, Any, Any, Any, Any]
else:
    _VectorWrapper = VectorWrapper  # not generic before Gymnasium 1.4


class VitalsWrapper(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Records the episodes of one environment.

    Wrap the outermost, so that the time limit's cut is seen. For several environments at once, wrap the vector
    environment with `VitalsVectorWrapper` instead, which counts their steps together.

    Args:
        env: The environment.
        monitor: Where the episodes go; it is the caller's to close.
        info_keys: Keys of `info` that are kept with each episode, besides those that have a field of their own (see
            `adapters.episodes.episode_fields`).
        env_step: Environment steps taken before; by default the furthest that the monitor knows of.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        monitor: TrainingMonitor,
        *,
        info_keys: Iterable[str] = (),
        env_step: int | None = None,
    ) -> None:
        super().__init__(env)
        self._recording = _Recording(monitor, 1, info_keys, env_step)

    @property
    def env_step(self) -> int:
        """Environment steps of the whole training."""
        return self._recording.env_step

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin a new episode; one that was not over is not recorded."""
        answer = super().reset(seed=seed, options=options)
        self._recording.tally.restart(0)
        return answer

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step the environment, and record the episode if it ends."""
        observation, reward, terminated, truncated, info = super().step(action)
        self._recording.add([float(reward)])
        if terminated or truncated:
            self._recording.end(0, truncated=truncated and not terminated, info=info, env_index=None)
        return observation, reward, terminated, truncated, info


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
    """

    def __init__(
        self,
        env: VectorEnv[Any, Any, Any],
        monitor: TrainingMonitor,
        *,
        info_keys: Iterable[str] = (),
        env_step: int | None = None,
    ) -> None:
        super().__init__(env)
        self._recording = _Recording(monitor, env.num_envs, info_keys, env_step)
        mode = getattr(env.metadata.get("autoreset_mode"), "name", "NEXT_STEP")
        self._resets_next = mode == "NEXT_STEP"
        self._resets_same = mode == "SAME_STEP"
        self._resetting: list[int] = []

    @property
    def env_step(self) -> int:
        """Environment steps of the whole training."""
        return self._recording.env_step

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin new episodes, in all sub-environments or in those that `options["reset_mask"]` names.

        Episodes that were not over are not recorded.
        """
        mask = None if options is None else options.get("reset_mask")
        answer = super().reset(seed=seed, options=options)
        begun = range(self.num_envs) if mask is None else np.flatnonzero(mask).tolist()
        for index in begun:
            self._recording.tally.restart(index)
        self._resetting = [index for index in self._resetting if index not in begun]
        return answer

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """Step the environments, and record the episodes that end."""
        observations, rewards, terminations, truncations, infos = super().step(actions)
        self._recording.add(rewards.tolist())
        for index in self._resetting:
            self._recording.tally.restart(index)
        ended = terminations | truncations
        self._resetting = []
        if ended.any():
            indices: list[int] = ended.nonzero()[0].tolist()
            last = infos.get("final_info", {}) if self._resets_same else infos
            for index in indices:
                truncated = bool(truncations[index] and not terminations[index])
                info = info_of(last, index, self.num_envs)
                self._recording.end(index, truncated=truncated, info=info, env_index=index)
            if self._resets_next:
                self._resetting = indices
        return observations, rewards, terminations, truncations, infos


class _Recording:
    """What both wrappers do with what they see."""

    def __init__(
        self, monitor: TrainingMonitor, environments: int, info_keys: Iterable[str], env_step: int | None
    ) -> None:
        self.env_step = (monitor.env_step or 0) if env_step is None else env_step
        monitor.progress(self.env_step)  # a wrong one is refused here, not in the middle of the training
        self.tally = EpisodeTally(environments)
        self._monitor = monitor
        keys = (info_keys,) if isinstance(info_keys, str) else info_keys
        self._log = EpisodeLog(monitor, keys, Troubles(monitor))

    def add(self, rewards: list[float]) -> None:
        self.tally.add(rewards)
        self.env_step += self.tally.environments
        self._monitor.progress(self.env_step)

    def end(self, index: int, *, truncated: bool, info: Mapping[str, Any], env_index: int | None) -> None:
        reward, length, duration = self.tally.ending(index)
        self._log.record(Ending(env_index, reward, length, duration, truncated, info), self.env_step)


def info_of(infos: Mapping[str, Any], index: int, environments: int) -> dict[str, Any]:
    """One sub-environment's own `info`, out of a vector environment's.

    Args:
        infos: Arrays, or dicts of such, one value for each sub-environment; `_key` masks those that said `key`.
        index: The sub-environment.
        environments: How many there are.

    Returns:
        What it said.
    """
    own: dict[str, Any] = {}
    for key, values in infos.items():
        said = infos.get(f"_{key}")
        if key.startswith("_") or (said is not None and not said[index]):
            continue
        if isinstance(values, Mapping):
            own[key] = info_of(values, index, environments)
        elif isinstance(values, np.ndarray) and values.shape[:1] == (environments,):
            own[key] = values[index]
    return own
