"""`evaluations.npz`, as Stable-Baselines3's `EvalCallback` writes it."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvitals.errors import ImportFormatError
from rlvitals.records import Evaluation, Record, Scalars, codec_of

CATEGORY = "evaluations"
"""The category of the scalars that hold the single episodes of an evaluation."""


class Evaluations:
    """The evaluations in one file. It has no times: those come from the episodes of the training that go by.

    Args:
        file: The file; it is small.

    Raises:
        ImportFormatError: It is damaged.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            with np.load(file, allow_pickle=False) as arrays:
                self._steps = [int(step) for step in arrays["timesteps"]]
                self._results = _rows(arrays["results"])
                self._lengths = _rows(arrays["ep_lengths"])
                self._successes = _rows(arrays["successes"]) if "successes" in arrays else None
        except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ImportFormatError(f"{file} is damaged: {error}") from None
        if any(len(each) != len(self._steps) for each in (self._results, self._lengths)):
            raise ImportFormatError(
                f"{file} is damaged: {len(self._steps)} timesteps, {len(self._results)} results, "
                f"{len(self._lengths)} ep_lengths"
            )
        self._moments: dict[int, tuple[float, int]] = {}
        self._last: tuple[float, int] | None = None

    @property
    def steps(self) -> set[int]:
        """The environment steps at which the policy was evaluated."""
        return set(self._steps)

    def pass_by(self, episode: Any) -> None:
        """Take note of an episode of the training: the evaluations before its end have its time."""
        place = len(self._moments)
        while place < len(self._steps) and self._steps[place] < episode.env_step:
            self._moments[place] = (episode.time, episode.episode)
            place += 1
        self._last = (episode.time, episode.episode + 1)

    def records(self) -> Iterator[Record]:
        """An evaluation each, and the results of its single episodes as scalars."""
        otherwise = self._last or (self._file.stat().st_mtime, 0)
        for place, step in enumerate(self._steps):
            time, episode = self._moments.get(place, otherwise)
            rewards, lengths = self._results[place], self._lengths[place]
            successes = None if self._successes is None else self._successes[place]
            with np.errstate(invalid="ignore"):  # the spread of what is not finite is NaN
                spread = float(np.std(rewards))
            said = {
                "time": time,
                "episode": episode,
                "env_step": step,
                "reward": float(np.mean(rewards)),
                "reward_std": spread,
                "length": float(np.mean(lengths)),
                "episodes": len(rewards),
                "success_rate": None if successes is None else float(np.mean(successes)),
            }
            yield codec_of(Evaluation).pack(said)[0]
            single: dict[str, Any] = {}
            for number, (reward, length) in enumerate(zip(rewards, lengths, strict=True)):
                single[f"results/{number}"] = float(reward)
                single[f"ep_lengths/{number}"] = int(length)
                if successes is not None:
                    single[f"successes/{number}"] = bool(successes[number])
            values = {"time": time, "step": step, "env_step": step, "category": CATEGORY, "values": single}
            yield codec_of(Scalars).pack(values)[0]


def _rows(array: NDArray[Any]) -> NDArray[Any]:
    """A row an evaluation; some releases left an axis of the environment behind the episodes."""
    return array.reshape(len(array), -1) if array.ndim > 2 and array.size else np.atleast_2d(array)  # noqa: PLR2004
