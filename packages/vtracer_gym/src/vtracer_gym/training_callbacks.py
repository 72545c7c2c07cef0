"""Callbacks of a training: checkpoints, a record of every attempt, and the average of the policy's weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback

from vtracer_gym.baselines import Recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stable_baselines3.common.base_class import BaseAlgorithm

    from vtracer_gym.logos import Logo
    from vtracer_gym.models import Traces

CHECKPOINTS: Final = "checkpoints"

_ATTRIBUTE: Final = "weight_average"

AVERAGED: Final = 1.0 / 3.0
"""Share of the training, at its end, over which the weights are averaged."""


def newest_checkpoint(folder: Path | str) -> Path | None:
    """Return the checkpoint with the most steps in a training folder, or None."""
    return max((Path(folder) / CHECKPOINTS).glob("steps-*.zip"), default=None)


def steps_of(checkpoint: Path) -> int:
    """Return the number of environment steps of a checkpoint."""
    return int(checkpoint.stem.removeprefix("steps-"))


class Checkpoints(BaseCallback):
    """Callback that saves the model after an update at regular intervals, and when the training ends.

    The callback of Stable-Baselines3 saves in the middle of a rollout, so that resuming would lose the steps since the
    last update. Each file is written under a temporary name and then renamed, so that checkpoints are always complete.

    Args:
        folder: Folder of the training, which gets files such as ``checkpoints/steps-00002048.zip`` and ``traces.npz``.
        every: Number of environment steps between checkpoints.
        recorder: Recorder of the attempts, which are saved with each checkpoint.
    """

    def __init__(self, folder: Path | str, every: int, recorder: TraceRecorder) -> None:
        super().__init__()
        self._folder = Path(folder)
        self._every = every
        self._recorder = recorder

    def _on_training_start(self) -> None:
        self._saved = self.num_timesteps

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps - self._saved >= self._every:
            self._save()

    def _on_training_end(self) -> None:
        if self.num_timesteps > self._saved:
            self._save()

    def _save(self) -> None:
        path = self._folder / CHECKPOINTS / f"steps-{self.num_timesteps:08d}.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"partial-{path.name}")
        self.model.save(partial)
        self._recorder.traces().write(self._folder)
        partial.replace(path)
        self._saved = self.num_timesteps


class TraceRecorder(BaseCallback):
    """Callback that keeps every attempt of the training.

    Args:
        logos: Training logos, in the order of their indices.
        before: Attempts before the training, and those of an interrupted training.
    """

    def __init__(self, logos: Sequence[Logo], before: Traces) -> None:
        super().__init__()
        self._index = {(logo.name, logo.longest_side): index for index, logo in enumerate(logos)}
        self._before = before
        self._rows: list[tuple[int, NDArray[np.float64], float]] = []

    def _on_step(self) -> bool:
        for info, action, reward in zip(
            self.locals["infos"], self.locals["clipped_actions"], self.locals["rewards"], strict=True
        ):
            logo = self._index[info["logo"], info["logo_size"]]
            self._rows.append((logo, np.asarray(action, np.float64), float(reward)))
        return True

    def traces(self) -> Traces:
        """Return all attempts so far."""
        if not self._rows:
            return self._before
        logo, actions, rewards = zip(*self._rows, strict=True)
        return self._before.with_more(Recorded(np.array(logo), np.stack(actions), np.array(rewards)))


class Average(NamedTuple):
    """A running average of weights.

    Attributes:
        steps: Number of environment steps at which weights were added last.
        policies: Number of policies.
        sums: Sum of the weights by name.
    """

    steps: int
    policies: int
    sums: dict[str, torch.Tensor]


class PolicyAverage(BaseCallback):
    """Callback that averages the weights of the policy after each update in the last part of the training.

    B. T. Polyak, A. B. Juditsky: "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and
    Optimization 30 (4), 1992. The reward of a logo falls suddenly where VTracer merges two of its colours. A single
    policy can be close to such a place on some logos by chance; the average of many policies rarely is.

    The average is an attribute of the model, so that checkpoints contain it. ``apply_average`` uses it.

    Args:
        steps: Total number of environment steps of the training.
    """

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._begin = steps - round(AVERAGED * steps)

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        self._add()

    def _on_training_end(self) -> None:
        self._add()

    def _add(self) -> None:
        steps, policies, sums = _average(self.model) or Average(-1, 0, {})
        if self.num_timesteps < self._begin or self.num_timesteps <= steps:
            return
        weights = self.model.policy.state_dict()
        added = {name: sums[name] + value if policies else value.clone() for name, value in weights.items()}
        vars(self.model)[_ATTRIBUTE] = Average(self.num_timesteps, policies + 1, added)


def _average(model: BaseAlgorithm) -> Average | None:
    found = vars(model).get(_ATTRIBUTE)
    return None if found is None else Average(*found)


def apply_average(model: BaseAlgorithm) -> None:
    """Give a policy its averaged weights, if it has any."""
    average = _average(model)
    if average is not None:
        model.policy.load_state_dict({name: total / average.policies for name, total in average.sums.items()})
