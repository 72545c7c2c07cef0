"""Full results of Stable-Baselines3's `EvalCallback`."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback, CallbackList, EvalCallback, EventCallback


class EvaluationWatch:
    """Captures the results of one `EvalCallback`.

    The callback keeps only the mean, and keeps the episodes only if it writes a file. However, `evaluate_policy` passes
    its lists of returns and lengths to a listener at each step. This class wraps that listener, which counts successes.

    Args:
        callback: Callback to watch.
    """

    def __init__(self, callback: EvalCallback) -> None:
        self._callback = callback
        self._heard = callback._log_success_callback  # noqa: SLF001 - the only access to the lists
        self._rewards: list[float] | None = None
        self._lengths: list[int] = []
        self._qualities: list[Any] = []
        self._env_step = 0
        vars(callback)["_log_success_callback"] = self._listen

    def remove(self) -> None:
        """Restore the original callback."""
        if vars(self._callback).get("_log_success_callback") == self._listen:
            del vars(self._callback)["_log_success_callback"]

    @property
    def pending(self) -> bool:
        """Whether there is an evaluation that was not taken yet."""
        return self._rewards is not None

    def take(self) -> dict[str, Any]:
        """Return the pending evaluation as keyword arguments of `TrainingMonitor.log_evaluation`, and clear it."""
        rewards, self._rewards = self._rewards or [], None
        reward, spread = _mean_and_std(rewards)
        return {
            "eval_reward": reward,
            "eval_quality": _mean_and_std(self._qualities)[0],
            "eval_success_rate": _mean_and_std(self._callback._is_success_buffer)[0],  # noqa: SLF001 - the callback has no public access to it
            "eval_episodes": len(rewards),
            "reward_std": spread,
            "length": _mean_and_std(self._lengths)[0],
            "env_step": self._env_step,
        }

    def _listen(self, seen: dict[str, Any], names: dict[str, Any]) -> None:
        self._heard(seen, names)
        if self._rewards is not seen["episode_rewards"]:
            self._rewards, self._lengths = seen["episode_rewards"], seen["episode_lengths"]
            self._qualities = []
            self._env_step = self._callback.num_timesteps
        if seen["done"] and "quality_final" in seen["info"]:
            self._qualities.append(seen["info"]["quality_final"])


def evaluations_in(callback: BaseCallback | None) -> Iterator[EvalCallback]:
    """Yield the evaluation callbacks of a training, however deeply nested."""
    if isinstance(callback, CallbackList):
        for inner in callback.callbacks:
            yield from evaluations_in(inner)
    if isinstance(callback, EvalCallback):
        yield callback
    if isinstance(callback, EventCallback):
        yield from evaluations_in(callback.callback)


def trial_in(callback: BaseCallback | None) -> Any:
    """Return the Optuna trial that an evaluation callback reports to, as RL Zoo's does, or `None`."""
    trials = (getattr(evaluation, "trial", None) for evaluation in evaluations_in(callback))
    return next((trial for trial in trials if trial is not None), None)


def _mean_and_std(values: Sequence[Any]) -> tuple[float, float] | tuple[None, None]:
    if not values:
        return None, None
    numbers = np.asarray(values, dtype=float)
    return float(numbers.mean()), float(numbers.std())
