"""Updates of a Stable-Baselines3 algorithm, recorded after each rollout."""

import math
import weakref
from collections.abc import Callable
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from rlvitals.adapters.episodes import FailureLog
from rlvitals.adapters.recorded_returns import RecordedReturns
from rlvitals.adapters.rollouts import rollout_signals
from rlvitals.adapters.updates import UpdateWatch, update_fields
from rlvitals.monitor import TrainingMonitor

OFF_POLICY_INTERVAL = 1_000
"""Environment steps between two records of an off-policy algorithm, which updates at nearly every step."""


class UpdateLog:
    """Records the updates of one training.

    An on-policy algorithm updates once after each rollout, and each update is recorded. Other algorithms update at
    nearly every step: their logged values are recorded at intervals and at the end.

    Args:
        model: Algorithm that is training.
        monitor: Monitor that records the updates.
        returns: Sums of the rewards.
        failures: Log for updates that cannot be recorded.
    """

    def __init__(
        self, model: BaseAlgorithm, monitor: TrainingMonitor, returns: RecordedReturns, failures: FailureLog
    ) -> None:
        self._model = model
        self._monitor = monitor
        self._returns = returns
        self._failures = failures
        self._rewards_before = returns.total
        self._last_off_policy = model.num_timesteps
        self._count = 0
        self._forget()

    def _forget(self) -> None:
        self._watch: UpdateWatch | None = None
        self._signals: dict[str, Any] = {}
        self._count_before: int | None = None

    def rollout_ended(self) -> None:
        """Prepare for the update that follows a rollout."""
        model = self._model
        if not isinstance(model, OnPolicyAlgorithm):
            return
        rewards = self._returns.total
        self._signals = rollout_signals(model.rollout_buffer, squashed=model.policy.squash_output)
        steps = model.rollout_buffer.buffer_size * model.n_envs
        self._signals["reward_mean"] = (rewards - self._rewards_before) / steps
        self._signals["update"] = -(-model.num_timesteps // steps)
        self._rewards_before = rewards
        self._count_before = model._n_updates  # noqa: SLF001 - the only sign that train() finished
        self._watch = UpdateWatch(model.rollout_buffer, _weakly(self._broken_off))

    def record(self, *, last: bool = False) -> None:
        """Record the update since the last call. Its values are still in the logger, not dumped yet.

        Args:
            last: Whether the training ends.
        """
        with self._failures.caught("an update could not be recorded"):
            if self._watch is not None:
                self._watch.remove()
                if self._updates() != self._count_before:
                    self._log(update_fields(self._model.logger.name_to_value))
            elif not isinstance(self._model, OnPolicyAlgorithm):
                self._record_off_policy(last=last)
            if last and not self._count and self._updates():
                self._failures.tell(
                    f"No update of {type(self._model).__name__} was recorded, because none of its values are in the "
                    "logger when callbacks run."
                )
        self._forget()

    def _record_off_policy(self, *, last: bool) -> None:
        step = self._model.num_timesteps
        if step - self._last_off_policy >= (1 if last else OFF_POLICY_INTERVAL) and self._updates():
            fields = update_fields(self._model.logger.name_to_value)
            if fields:
                self._last_off_policy = step
                self._log(fields)

    def _log(self, fields: dict[str, Any]) -> None:
        seen = self._watch.fields() if self._watch is not None else {}
        extra = self._signals.pop("extra", {}) | fields.pop("extra", {})
        # TRPO has a limit of 0 and clips nothing.
        limit = getattr(self._model, "max_grad_norm", None) if "gradient_norm" in seen else None
        self._monitor.log_training_step(
            self._model.num_timesteps,
            env_step=self._model.num_timesteps,
            gradient_norm_limit=limit,
            **self._signals,
            **seen,
            **fields,
            extra=extra,
        )
        self._count += 1

    def _broken_off(self) -> None:
        """Handle a loop over minibatches that was left before its end.

        Early stopping does that in a healthy training. So does the exception that a network of NaNs raises, after which
        nothing is logged about this update except the observations here. Early stopping never happens on a NaN
        divergence, so a NaN gradient distinguishes the two.
        """
        if self._watch is None or not any(map(math.isnan, self._watch.norms())):
            return
        with self._failures.caught("an interrupted update could not be recorded"):
            self._log({"extra": {"interrupted": True}})
        self._watch.remove()
        self._forget()

    def _updates(self) -> int | None:
        count: int | None = getattr(self._model, "_n_updates", None)
        return count


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls a method while its object lives, without keeping the object alive."""
    known = weakref.WeakMethod(method)

    def call() -> None:
        found = known()
        if found is not None:
            found()

    return call
