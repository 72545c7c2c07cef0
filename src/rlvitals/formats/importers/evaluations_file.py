"""Import of `evaluations.npz` from the `EvalCallback` of Stable-Baselines3."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.importer import head_of
from rlvitals.records import Evaluation, Record, Scalars, codec_of

CATEGORY = "evaluations"
"""Category of the scalars with the individual episodes of an evaluation."""

_Rows = list[NDArray[Any]]


class Evaluations:
    """The evaluations in one file. The file has no times, so they are taken from the training episodes.

    Args:
        file: File to read. It is small. Arrays of Python objects are pickles and are not loaded.
        warnings: Collector for missing or damaged optional arrays.

    Raises:
        ImportFormatError: The steps or the results cannot be read.
    """

    def __init__(self, file: Path, warnings: ImportWarnings) -> None:
        self._file = file
        self._warnings = warnings
        try:
            with file.open("rb") as content, np.load(content, allow_pickle=False) as arrays:
                self._steps = [int(step) for step in np.atleast_1d(self._needed(arrays, "timesteps"))]
                self._results = _rows(self._needed(arrays, "results"), len(self._steps))
                self._lengths = self._optional(arrays, "ep_lengths")
                self._successes = self._optional(arrays, "successes")
        except ImportFormatError:
            raise
        except Exception as error:  # noqa: BLE001 - a damaged archive may raise anything
            raise ImportFormatError(f"{file} is damaged: {error}") from None
        if len(self._results) != len(self._steps):
            shared = min(len(self._results), len(self._steps))
            warnings.add(
                f"{file} has {len(self._steps)} timesteps and {len(self._results)} results; the import takes the first "
                f"{shared}.",
                file=str(file),
            )
            self._steps, self._results = self._steps[:shared], self._results[:shared]
        self._moments: dict[int, tuple[float, int]] = {}
        self._last: tuple[float, int] | None = None

    @property
    def steps(self) -> set[int]:
        """Environment steps of the evaluations."""
        return set(self._steps)

    def pass_by(self, episode: Any) -> None:
        """Use the time of a training episode for the evaluations that took place before the episode's end."""
        place = len(self._moments)
        while place < len(self._steps) and self._steps[place] < episode.env_step:
            self._moments[place] = (episode.time, episode.episode)
            place += 1
        self._last = (episode.time, episode.episode + 1)

    def records(self) -> Iterator[Record]:
        """Yield one evaluation per step, followed by its individual episodes as scalars."""
        otherwise = self._last or (self._file.stat().st_mtime, 0)
        for place, step in enumerate(self._steps):
            time, episode = self._moments.get(place, otherwise)
            columns = {
                "results": self._results[place],
                "ep_lengths": self._of(self._lengths, place),
                "successes": self._of(self._successes, place),
            }
            columns = _without_padding(columns)
            yield self._evaluation(columns, time=time, episode=episode, step=step)
            single = {
                f"{name}/{number}": _plain(name, column[number])
                for number in range(len(columns["results"]))
                for name, column in columns.items()
                if number < len(column)
            }
            values = {"time": time, "step": step, "env_step": step, "category": CATEGORY, "values": single}
            yield codec_of(Scalars).pack(values)[0]

    @staticmethod
    def _evaluation(columns: dict[str, NDArray[Any]], *, time: float, episode: int, step: int) -> Evaluation:
        rewards, lengths, successes = columns["results"], columns["ep_lengths"], columns["successes"]
        with np.errstate(invalid="ignore"):  # the standard deviation of non-finite values is NaN
            spread = float(np.std(rewards)) if len(rewards) else None
        said = {
            "time": time,
            "episode": episode,
            "env_step": step,
            "reward": float(np.mean(rewards)) if len(rewards) else None,
            "reward_std": spread,
            "length": float(np.mean(lengths)) if len(lengths) else None,
            "episodes": len(rewards),
            "success_rate": float(np.mean(successes)) if len(successes) else None,
        }
        evaluation: Evaluation = codec_of(Evaluation).pack(said)[0]
        return evaluation

    def _needed(self, arrays: Any, name: str) -> NDArray[Any]:
        if name not in arrays:
            raise ImportFormatError(
                f"{self._file} has no array {name!r} (it has {', '.join(arrays) or 'none'}). Evaluations need "
                "the arrays 'timesteps' and 'results', as EvalCallback writes them"
            )
        try:
            return np.asarray(arrays[name])
        except ValueError as error:
            if "pickle" not in str(error):
                raise
            raise ImportFormatError(
                f"{self._file}: {name!r} holds Python objects, which are stored as a pickle and could run code when "
                "loaded. Evaluations with different numbers of episodes cause this: pad them with NaN and save again"
            ) from None

    def _optional(self, arrays: Any, name: str) -> _Rows | None:
        """Return an optional array, or `None` if it is missing or unusable. Unusable arrays add a warning."""
        if name not in arrays:
            return None
        try:
            found = _rows(np.asarray(arrays[name]), len(self._steps))
            [row.astype(float) for row in found]
        except Exception as error:  # noqa: BLE001 - a damaged archive may raise anything
            self._warnings.add(f"{self._file}: {name!r} cannot be read ({error}); the import leaves it out.")
            return None
        if len(found) != len(self._steps):
            self._warnings.add(
                f"{self._file}: {name!r} has {len(found)} rows for {len(self._steps)} evaluations; the import leaves "
                "it out."
            )
            return None
        return found

    @staticmethod
    def _of(rows: _Rows | None, place: int) -> NDArray[Any]:
        return np.empty(0) if rows is None else rows[place]


def is_evaluations(path: Path) -> bool:
    """Return whether a file is a NumPy archive with the arrays `timesteps` and `results`."""
    if head_of(path, 4)[:2] != b"PK":
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return {"timesteps.npy", "results.npy"} <= {*archive.namelist()}
    except Exception:  # noqa: BLE001 - a damaged archive may raise anything
        return path.name == "evaluations.npz"  # so that reading the file raises an error with the reason


def _rows(array: NDArray[Any], evaluations: int) -> _Rows:
    """Return one row per evaluation.

    Some releases add an axis for the environment after the episodes. A 1-D array has one value per evaluation.
    """
    if array.ndim == 0:
        array = array.reshape(1, 1)
    elif array.ndim == 1:
        array = array.reshape(1, -1) if evaluations == 1 else array.reshape(-1, 1)
    return list(array.reshape(len(array), -1) if array.size else array.reshape(len(array), 0))


def _without_padding(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Remove padding: episodes with NaN for both result and length."""
    rewards, lengths = columns["results"], columns["ep_lengths"]
    if len(lengths) != len(rewards) or lengths.dtype.kind != "f":
        return columns
    real = ~(np.isnan(rewards.astype(float)) & np.isnan(lengths))
    return {name: column[real] if len(column) == len(real) else column for name, column in columns.items()}


def _plain(name: str, value: Any) -> Any:
    if name == "successes":
        return bool(value)
    return int(value) if name == "ep_lengths" and float(value).is_integer() else float(value)
