"""What Stable-Baselines3 leaves in a log folder: `monitor.csv`, `progress.csv`, `evaluations.npz`."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.importers.base import Imported, Importer
from rlvitals.importers.evaluations import Evaluations, is_evaluations
from rlvitals.importers.import_warnings import ImportWarnings
from rlvitals.importers.monitor_file import ENDING
from rlvitals.importers.monitors import Monitors, monitor_paths, unread_monitors
from rlvitals.importers.tags import TagReader
from rlvitals.importers.tensorboard import TensorBoardImporter, event_files
from rlvitals.records import Evaluation, Record

PROGRESS = "progress.csv"
EVALUATIONS = "evaluations.npz"

_STEPS, _ELAPSED = "time/total_timesteps", "time/time_elapsed"


class Sb3Importer(Importer):
    """Reads one of these files, or a folder with several of them, which become one run.

    Episodes of several environments (`0.monitor.csv`, `1.monitor.csv`, ...) are put in the order of their times, and
    environment steps are their lengths summed up in that order, as `stable_baselines3.common.results_plotter` does it.
    A folder's event files are read where there is no `progress.csv`, which says the same in 64 bits.
    """

    def recognises(self, path: Path) -> bool:
        """By the first lines of its files."""
        return _Files(path).any

    def read(self, path: Path) -> Imported:
        """Find the files; they are read as records are asked for."""
        files = _Files(path)
        if not files.any:
            raise ImportFormatError(f"{path}: there is no *{ENDING}, {PROGRESS} or {EVALUATIONS}")
        configuration: dict[str, Any] = {}
        name = (path if path.is_dir() else path.absolute().parent).absolute().name
        return Imported(name, _records(files, configuration), configuration=configuration)


class _Files:
    """The files of a training.

    Args:
        path: A folder, or one of them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.inside = [path] if path.is_file() else sorted(file for file in path.glob("*") if file.is_file())
        self.monitors = monitor_paths(self.inside)
        self.progress = next((file for file in self.inside if file.name == PROGRESS), None)
        deeper = sorted(path.glob(f"*/{EVALUATIONS}"))
        found = [file for file in self.inside if file.suffix == ".npz" and is_evaluations(file)] or deeper
        self.evaluations = found[0] if found else None
        self.surplus = found[1:]
        self.events = event_files(path) if path.is_dir() and self.progress is None else []

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.monitors or self.progress or self.evaluations)


def _records(files: _Files, configuration: dict[str, Any]) -> Iterator[Record]:
    """The records of all files, and at the end an event for each thing that the import left out or assumed."""
    warnings = ImportWarnings()
    last: float | None = None
    for record in _read(files, configuration, warnings):
        last = record.time if last is None else max(last, record.time)
        yield record
    events = list(warnings.events(last or 0.0))
    if last is None:
        raise ImportFormatError(f"{files.path} holds no record. " + " ".join(event.message for event in events))
    yield from events


def _read(files: _Files, configuration: dict[str, Any], warnings: ImportWarnings) -> Iterator[Record]:
    if files.surplus:
        named = ", ".join(map(str, (files.evaluations, *files.surplus)))
        raise ImportFormatError(f"{files.path}: several evaluations of one training: {named}; import each alone")
    unread_monitors(files.inside, files.monitors, warnings)
    monitors = Monitors(files.monitors, warnings)
    if monitors.environment is not None:
        configuration.setdefault("env_id", monitors.environment)
    evaluations = _evaluations(files, warnings)
    for episode in monitors.episodes():
        if evaluations is not None:
            evaluations.pass_by(episode)
        yield episode
    known = set()
    if evaluations is not None:
        known = evaluations.steps
        yield from evaluations.records()
    others: Iterator[Record] = iter(())
    if files.progress is not None:
        others = _progress(files.progress, monitors.began)
    elif files.events:
        others = TensorBoardImporter().read_into(files.events, configuration)
    for record in others:
        # `EvalCallback` says its means there too, and its episodes in the file that was read already.
        if not (isinstance(record, Evaluation) and record.env_step in known):
            yield record


def _evaluations(files: _Files, warnings: ImportWarnings) -> Evaluations | None:
    """The evaluations; those that cannot be read are left out with a warning where there is anything else."""
    if files.evaluations is None:
        return None
    try:
        return Evaluations(files.evaluations, warnings)
    except ImportFormatError as error:
        if files.path.is_file():
            raise
        warnings.add(f"{error}. The import leaves the file out.", file=str(files.evaluations))
        return None


def _progress(file: Path, began: float | None) -> Iterator[Record]:
    if began is None:
        lasted = max((float(row[_ELAPSED]) for _, row in _rows(file) if row.get(_ELAPSED)), default=0.0)
        began = file.stat().st_mtime - lasted
    tags = TagReader()
    elapsed, step = 0.0, 0
    for line, row in _rows(file):
        where = f"{file}, line {line}"
        if row.get(_ELAPSED):
            elapsed = _number(row, _ELAPSED, where)
        if row.get(_STEPS):
            step = int(_number(row, _STEPS, where))
        try:
            for tag, text in row.items():
                if text:
                    yield from tags.add(tag, _value(text), step=step, time=began + elapsed)
            yield from tags.flush()
        except (RecordError, ValueError) as error:
            raise ImportFormatError(f"{where}: {error}") from None


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file behind its header, each with its line."""
    with file.open(encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines)
        columns = next(reader, [])
        try:
            for row in reader:
                line = reader.line_num
                if len(row) != len(columns):
                    raise ImportFormatError(
                        f"{file}, line {line}: {len(row)} cells, and {len(columns)} columns: {','.join(row)[:60]!r}"
                    )
                yield line, dict(zip(columns, row, strict=True))
        except (csv.Error, UnicodeDecodeError) as error:
            raise ImportFormatError(f"{file} is damaged: {error}") from None


def _number(row: dict[str, str], name: str, where: str) -> float:
    text = row.get(name, "")
    try:
        return float(text)
    except ValueError:
        raise ImportFormatError(f"{where}: {name} must be a number, got {text!r:.60}") from None


def _value(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text
