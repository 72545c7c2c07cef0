"""One update of an on-policy algorithm: its logged values, and observations from inside it."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from statistics import fmean
from typing import Any

from stable_baselines3.common.buffers import BaseBuffer

from rlvitals.adapters.gradients import GradientWatch
from rlvitals.records.synonyms import NEGATED, SB3_NAMES

FIELD_OF = {f"train/{name}": field for name, field in SB3_NAMES.items()}
"""Stable-Baselines3's keys, and the fields of `records.PolicyUpdate` that hold them."""

_PREFIX = "train/"


def update_fields(logged: Mapping[str, Any]) -> dict[str, Any]:
    """Translate the values that an algorithm has just logged about its update.

    Args:
        logged: Values by Stable-Baselines3 key.

    Returns:
        Fields of `records.PolicyUpdate`. Values without a field are in `extra`, under their key without `train/`.
    """
    fields: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for key, value in logged.items():
        if key in NEGATED:
            fields[NEGATED[key]] = -float(value)
        elif key in FIELD_OF:
            fields[FIELD_OF[key]] = float(value)
        elif key.startswith(_PREFIX):
            extra[key.removeprefix(_PREFIX)] = value
    return fields | {"extra": extra} if extra else fields


class UpdateWatch:
    """Observes one update from inside: its gradient norms, minibatches and duration.

    The `train()` method of an algorithm takes its minibatches from `rollout_buffer.get`. That method is wrapped, on
    this buffer only and until `remove`, by a generator that watches gradient norms. The watch is therefore active
    exactly while minibatches are processed, and ends when the loop finishes, is left early or raises.

    Args:
        buffer: Rollout buffer of the algorithm, full.
        broken_off: Function to call if the loop over an epoch's minibatches is left before its end, by early stopping
            or an exception.
    """

    def __init__(self, buffer: BaseBuffer, broken_off: Callable[[], None]) -> None:
        self.gradients = GradientWatch()
        self._buffer = buffer
        self._broken_off = broken_off
        self._began: float | None = None
        self._minibatches = 0
        self._per_epoch: set[int] = set()
        watchers = _watchers(buffer)
        # Watches that have begun belong to a training that was interrupted.
        watchers[:] = [watch for watch in watchers if not watch.has_begun]
        watchers.append(self)

    @property
    def has_begun(self) -> bool:
        """Whether a minibatch has been requested."""
        return self._began is not None

    def remove(self) -> None:
        """Restore the original buffer."""
        watchers = _watchers(self._buffer)
        if self in watchers:
            watchers.remove(self)
        if not watchers:
            vars(self._buffer).pop("get", None)

    def norms(self) -> list[float]:
        """Return the gradient norms before clipping, one per minibatch."""
        return self.gradients.values()

    def fields(self) -> dict[str, Any]:
        """Return the observed fields of `records.PolicyUpdate`."""
        fields: dict[str, Any] = {}
        norms = self.norms()
        if norms:
            fields["gradient_norm"] = fmean(norms)
            fields["gradient_norm_max"] = math.nan if any(map(math.isnan, norms)) else max(norms)
        if len(self._per_epoch) == 1:  # TRPO's pass for the policy is not one of its epochs for the critic
            # A minibatch that triggered early stopping was taken without an optimiser step.
            fields["epochs"] = (len(norms) or self._minibatches) / min(self._per_epoch)
        if self._began is not None:
            fields["duration"] = time.perf_counter() - self._began
        return fields

    def follow(self, minibatches: Iterator[Any], count: int) -> Iterator[Any]:
        """Yield the minibatches of an epoch, and watch how they are processed.

        Args:
            minibatches: Minibatches of the buffer.
            count: Number of minibatches in the epoch.
        """
        self._per_epoch.add(count)
        if self._began is None:
            self._began = time.perf_counter()
        try:
            with self.gradients:
                for minibatch in minibatches:
                    self._minibatches += 1
                    yield minibatch
        except GeneratorExit:
            self._broken_off()
            raise


class _WatchedGet:
    """Replacement for a buffer's `get`."""

    def __init__(self, buffer: BaseBuffer) -> None:
        self.watchers: list[UpdateWatch] = []
        self._buffer = buffer
        self._get: Callable[..., Iterator[Any]] = buffer.get  # type: ignore[attr-defined] # rollout buffers have it

    def __call__(self, batch_size: int | None = None) -> Iterator[Any]:
        size = self._buffer.buffer_size * self._buffer.n_envs
        minibatches = self._get(batch_size)
        for watcher in tuple(self.watchers):
            minibatches = watcher.follow(minibatches, math.ceil(size / (batch_size or size)))
        return minibatches


def _watchers(buffer: BaseBuffer) -> list[UpdateWatch]:
    get = vars(buffer).get("get")
    if not isinstance(get, _WatchedGet):
        get = vars(buffer)["get"] = _WatchedGet(buffer)
    return get.watchers
