"""Steps of Gymnasium environments, combined into episodes and recorded, whatever the environments return."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from rlvitals.adapters.episodes import Ending, EpisodeLog, FailureLog
from rlvitals.adapters.raw_rewards import RawRewards
from rlvitals.adapters.recorded_returns import RecordedReturns
from rlvitals.adapters.returns import is_set, rows_of
from rlvitals.adapters.reward_layers import Layers
from rlvitals.errors import NotPicklableError
from rlvitals.monitor import TrainingMonitor

_BOOL = np.dtype(np.bool_)
_STEP = "a step could not be recorded"


class StepLog:
    """Records what environments return from `step`. It never raises: failures are counted and reported once.

    Args:
        monitor: Monitor that records the episodes.
        info_keys: Keys of `info` to store with each episode.
        env_step: Environment steps taken before. Default: the highest step that the monitor knows.
        layers: Effect on rewards of the wrappers between the environments and the recorder.
        raw: Source of the environments' own rewards, if they can be captured.
        environments: Number of sub-environments of a vector environment. `None` for a single environment.
        resets_next: Whether the step after the end of an episode only resets.
        resets_same: Whether the step that ends an episode also begins the next one, to which `infos` then belongs.

    Attributes:
        env_step: Environment steps of the whole training.
        begin: Function to call before the environment's `step`, or `None`.

    Raises:
        NotPicklableError: The monitor belongs to another process.
    """

    def __init__(
        self,
        monitor: TrainingMonitor,
        info_keys: Iterable[str],
        env_step: int | None,
        layers: Layers,
        raw: RawRewards | None,
        *,
        environments: int | None = None,
        resets_next: bool = False,
        resets_same: bool = False,
    ) -> None:
        if monitor.is_child:
            raise NotPicklableError.of("VitalsWrapper")
        self.env_step = (monitor.env_step or 0) if env_step is None else env_step
        self._is_vector = environments is not None
        self._environments = environments = environments or 1
        self._shape = (environments,)
        self._resets_next = resets_next
        self._resets_same = resets_same
        self._failures = FailureLog(monitor)
        keys = (info_keys,) if isinstance(info_keys, str) else info_keys
        self._log = EpisodeLog(monitor, keys, self._failures)
        self._returns = RecordedReturns(monitor, environments, layers, raw, self._failures)
        self._resetting: list[int] = []
        self.begin = self._returns.begin
        self._progress = monitor.advance
        self._progress(self.env_step)  # rejects an invalid step here, not in the middle of the training

    @property
    def add(self) -> Callable[[Any], None]:
        """Function to call with what `step` returned: observation, reward, terminated, truncated, info, or arrays."""
        return self._add_all if self._is_vector else self._add_one

    def restart(self, mask: Any = None) -> None:
        """Begin new episodes. Unfinished ones are not recorded.

        Args:
            mask: Flag per environment that selects the environments to restart. Default: all.
        """
        with self._failures.caught("a reset could not be recorded"):
            flags = [True] * self._environments if mask is None else self._flags(mask)
            begun = [index for index, flag in enumerate(flags) if flag]
            for index in begun:
                self._returns.restart(index)
            self._resetting = [index for index in self._resetting if index not in begun]

    def close(self) -> None:
        """Stop capturing rewards, and report the number of failures."""
        with self._failures.caught("the environment could not be released"):
            self._returns.remove()
        self._failures.close()

    def _add_one(self, answer: Any) -> None:
        try:
            _, reward, terminated, truncated, info = answer
            self.env_step += 1
            self._progress(self.env_step)
            if type(reward) is float:
                self._returns.add([reward])
            else:
                self._returns.add_any([reward])
            if self._resetting:
                self._begin_next()
            cut = truncated if type(truncated) is bool else is_set(truncated)
            over = terminated if type(terminated) is bool else is_set(terminated)
            if over or cut or _is_over_for_all(terminated, truncated):
                self._end(0, truncated=cut and not over, info=info, env_index=None)
                if self._resets_next:
                    self._resetting = [0]
        except Exception as error:  # noqa: BLE001 - training must continue
            self._failures.note(_STEP, error)

    def _add_all(self, answer: Any) -> None:
        try:
            _, rewards, terminations, truncations, infos = answer
            self.env_step += self._environments
            self._progress(self.env_step)
            if type(rewards) is np.ndarray and rewards.shape == self._shape and rewards.dtype.kind == "f":
                self._returns.add(rewards.tolist())
            else:
                self._returns.add_any(rows_of(rewards, self._environments))
            if self._resetting:
                self._begin_next()
            over, cut = self._flags(terminations), self._flags(truncations)
            if True in over or True in cut:
                ended = [index for index in range(self._environments) if over[index] or cut[index]]
                for index in ended:
                    info = info_of(infos, index, self._environments)
                    info = info.get("final_info", {}) if self._resets_same else info
                    self._end(index, truncated=not over[index], info=info, env_index=index)
                if self._resets_next:
                    self._resetting = ended
        except Exception as error:  # noqa: BLE001 - training must continue
            self._failures.note(_STEP, error)

    def _begin_next(self) -> None:
        """Begin the next episodes after a step that only reset."""
        for index in self._resetting:
            self._returns.restart(index)
        self._resetting = []

    def _flags(self, flags: Any) -> list[bool]:
        if type(flags) is np.ndarray and flags.shape == self._shape and flags.dtype is _BOOL:
            plain: list[bool] = flags.tolist()
            return plain
        return [is_set(flag) for flag in rows_of(flags, self._environments)]

    def _end(self, index: int, *, truncated: bool, info: Any, env_index: int | None) -> None:
        ending = Ending.of(self._returns.ending(index, info), env_index, truncated=truncated, info=info)
        self._log.record(ending, self.env_step)


def _is_over_for_all(terminated: Any, truncated: Any) -> bool:
    """Return whether a multi-agent episode is over in which some agents terminated and all others were truncated."""
    if not isinstance(terminated, Mapping) or not isinstance(truncated, Mapping):
        return False
    ended = {agent for flags in (terminated, truncated) for agent, flag in flags.items() if is_set(flag)}
    return bool(ended) and ended >= terminated.keys() - {"__all__"}


def info_of(infos: Any, index: int, environments: int) -> dict[str, Any]:
    """Extract the `info` of one sub-environment from that of a vector environment.

    Args:
        infos: Arrays, or dicts of arrays, with one value per sub-environment; `_key` masks the sub-environments that
            reported `key`. Alternatively a list of dicts, one per sub-environment.
        index: Index of the sub-environment.
        environments: Number of sub-environments.

    Returns:
        The `info` of the sub-environment.
    """
    if isinstance(infos, Sequence) and len(infos) == environments and isinstance(infos[index], Mapping):
        return dict(infos[index])
    if not isinstance(infos, Mapping):
        return {}
    own: dict[str, Any] = {}
    for key, values in infos.items():
        said = infos.get(f"_{key}")
        if (isinstance(key, str) and key.startswith("_")) or (said is not None and not is_set(said[index])):
            continue
        if tuple(getattr(values, "shape", ()))[:1] == (environments,):
            own[key] = values[index]
        elif isinstance(values, Mapping):
            own[key] = info_of(values, index, environments)
    return own
