"""The results of Stable-Baselines3's `EvalCallback`, in full."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback, CallbackList, EvalCallback, EventCallback


class EvaluationWatch:
    """Listens to one `EvalCallback`.

    That callback keeps the mean alone, and the episodes only where it writes a file. But `evaluate_policy` shows its
    lists of returns and lengths to a listener at each step: the one that counts successes, which is wrapped here.

    Args:
        callback: The one to listen to.
    """

    def __init__(self, callback: EvalCallback) -> None:
        self._callback = callback
        self._heard = callback._log_success_callback  # noqa: SLF001 - the only place where the lists can be seen
        self._rewards: list[float] | None = None
        self._lengths: list[int] = []
        self._qualities: list[float] = []
        self._env_step = 0
        vars(callback)["_log_success_callback"] = self._listen

    def remove(self) -> None:
        """Leave the callback as it was."""
        if vars(self._callback).get("_log_success_callback") == self._listen:
            del vars(self._callback)["_log_success_callback"]

    @property
    def pending(self) -> bool:
        """Whether there is an evaluation that was not taken yet."""
        return self._rewards is not None

    def take(self) -> dict[str, Any]:
        """The evaluation that is pending: keyword arguments of `TrainingMonitor.log_evaluation`."""
        rewards = np.asarray(self._rewards, dtype=float)
        successes = self._callback._is_success_buffer  # noqa: SLF001 - likewise
        taken = {
            "eval_reward": float(rewards.mean()) if rewards.size else float("nan"),
            "eval_quality": float(np.mean(self._qualities)) if self._qualities else None,
            "eval_success_rate": float(np.mean(successes)) if successes else None,
            "eval_episodes": rewards.size,
            "reward_std": float(rewards.std()) if rewards.size else None,
            "length": float(np.mean(self._lengths)) if self._lengths else None,
            "env_step": self._env_step,
        }
        self._rewards, self._qualities = None, []
        return taken

    def _listen(self, seen: dict[str, Any], names: dict[str, Any]) -> None:
        self._heard(seen, names)
        if self._rewards is not seen["episode_rewards"]:
            self._rewards, self._lengths = seen["episode_rewards"], seen["episode_lengths"]
            self._qualities = []
            self._env_step = self._callback.num_timesteps
        quality = seen["info"].get("quality_final") if seen["done"] else None
        if quality is not None:
            self._qualities.append(float(quality))


def evaluations_in(callback: BaseCallback | None) -> Iterator[EvalCallback]:
    """The evaluations among a training's callbacks, however they are nested."""
    if isinstance(callback, CallbackList):
        for inner in callback.callbacks:
            yield from evaluations_in(inner)
    if isinstance(callback, EvalCallback):
        yield callback
    if isinstance(callback, EventCallback):
        yield from evaluations_in(callback.callback)
