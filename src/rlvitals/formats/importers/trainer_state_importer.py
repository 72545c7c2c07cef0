"""Import of `trainer_state.json`, which the trainers of transformers and TRL write with each checkpoint."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.import_warnings import ImportWarnings, with_warnings
from rlvitals.formats.importers.importer import Imported, Importer, head_of
from rlvitals.records import Record
from rlvitals.records.trainer_log import RUNTIME, single_numbers, trainer_records

STATE = "trainer_state.json"

_MARKS = (b'"log_history"', b'"global_step"')
_HEAD = 1 << 16
_SETTINGS = ("max_steps", "num_train_epochs", "train_batch_size", "logging_steps", "eval_steps", "save_steps")


class TrainerStateImporter(Importer):
    """Importer for the log history: one update per entry, and one evaluation per entry with `eval_...` metrics.

    The folder can be that of the training or of a checkpoint. The importer reads the state with the highest step, which
    contains the whole history. Steps are optimizer steps.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether the typical keys are near the beginning of a file."""
        return bool(_states_in(path))

    def read(self, path: Path) -> Imported:
        """Read the whole document, which is small compared with a checkpoint."""
        states = [(_state_in(file), file) for file in _states_in(path)]
        if not states:
            raise ImportFormatError(f"{path}: found no {STATE} with a log_history")
        state, file = max(states, key=lambda each: _step_in(each[0], "global_step") or 0)
        folder = (path if path.is_dir() else path.absolute().parent).absolute()
        configuration = {"framework": "transformers"}
        configuration |= {name: state[name] for name in _SETTINGS if state.get(name) is not None}
        warnings = ImportWarnings()
        return Imported(
            folder.name, with_warnings(_records(state, file, warnings), warnings, path), configuration=configuration
        )


def _states_in(path: Path) -> list[Path]:
    if path.is_file():
        head = head_of(path, _HEAD) if path.suffix.lower() == ".json" else b""
        return [path] if all(mark in head for mark in _MARKS) else []
    found = [*path.glob("*.json"), *path.glob(f"checkpoint-*/{STATE}")]
    return [file for file in sorted(found) if file.is_file() and _states_in(file)]


def _state_in(file: Path) -> dict[str, Any]:
    try:
        said = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ImportFormatError(f"{file} is damaged: {error}. Import the folder of an earlier checkpoint") from None
    if not isinstance(said, dict) or not isinstance(said.get("log_history"), list):
        raise ImportFormatError(f"{file} has no list 'log_history', so it is not the state of a trainer")
    return said


def _step_in(said: Mapping[str, Any], name: str) -> int | None:
    """Return a non-negative step, or `None` for any other value."""
    step = said.get(name)
    return int(step) if isinstance(step, int | float) and math.isfinite(step) and step >= 0 else None


def _records(state: Mapping[str, Any], file: Path, warnings: ImportWarnings) -> Iterator[Record]:
    entries = [entry for entry in state["log_history"] if isinstance(entry, dict)]
    if not entries:
        return
    step = next((known for entry in entries if (known := _step_in(entry, "step")) is not None), None)
    if step is None:
        raise ImportFormatError(f"{file}: no entry of log_history has a 'step'. Add the global step to each entry")
    times = _Times(entries, file, warnings)
    for number, entry in enumerate(entries):
        said = _step_in(entry, "step")
        step = step if said is None else said
        try:
            yield from _entry(entry, step, times.of(step), warnings, file)
        except RecordError as error:
            raise ImportFormatError(f"{file}: entry {number} of log_history, step {step}: {error}") from None


def _entry(entry: Mapping[str, Any], step: int, time: float, warnings: ImportWarnings, file: Path) -> Iterator[Record]:
    numbers = single_numbers(entry)
    if others := [name for name, value in entry.items() if value is not None and name not in numbers]:
        warnings.add(f"{file}: not imported because these are not single numbers: {', '.join(others)}.")
    yield from trainer_records(entry, step=step, time=time)


class _Times:
    """Estimated times of the entries, computed from recorded durations and the file's modification time.

    Args:
        entries: Log history.
        file: Path of the file.
        warnings: Collector for a warning if there are no durations.
    """

    def __init__(self, entries: list[dict[str, Any]], file: Path, warnings: ImportWarnings) -> None:
        self._end = file.stat().st_mtime
        self._last = max((_step_in(entry, "step") or 0 for entry in entries), default=0) or 1
        runtimes = [entry[RUNTIME] for entry in entries if isinstance(entry.get(RUNTIME), int | float)]
        durations = [entry["step_time"] for entry in entries if isinstance(entry.get("step_time"), int | float)]
        mean = sum(durations) / len(durations) if durations else 0.0
        self._lasted = float(runtimes[-1]) if runtimes else mean * self._last
        if not self._lasted:
            warnings.add(f"{file} has no times; the import uses the file's date for all records.", file=str(file))

    def of(self, step: int) -> float:
        """Return the estimated time at a step (UTC, seconds since 1970)."""
        return self._end - self._lasted * (1.0 - step / self._last)
