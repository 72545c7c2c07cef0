"""Import of a Stable-Baselines3 log folder: `monitor.csv`, `progress.csv`, `evaluations.npz`."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.evaluations_file import Evaluations, is_evaluations
from rlvitals.formats.importers.event_files import (
    event_files,
    found_trainings_with_events,
    is_event_file,
    oldest_first,
    training_folders,
)
from rlvitals.formats.importers.folder_settings import settings_of
from rlvitals.formats.importers.framework_columns import SB3, framework_of
from rlvitals.formats.importers.import_warnings import ImportWarnings, with_warnings
from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.formats.importers.monitor_file import ENDING, is_monitor
from rlvitals.formats.importers.monitor_folder import Monitors, monitor_paths, unread_monitors
from rlvitals.formats.importers.progress_table import ProgressTable, columns_of_table, tables_in
from rlvitals.formats.importers.tensorboard_importer import TensorBoardImporter
from rlvitals.formats.importers.zoo_folder import ZooFolder
from rlvitals.records import Evaluation, Event, Record, codec_of
from rlvitals.records.training_parts import is_part

PROGRESS = "progress.csv"
EVALUATIONS = "evaluations.npz"


class Sb3Importer(Importer):
    """Importer for one of these files, or for a folder with several of them, which become one run.

    Episodes of several environments (`0.monitor.csv`, `1.monitor.csv`, ...) are sorted by time. Environment steps are
    the cumulative sum of their lengths, as in `stable_baselines3.common.results_plotter`. Event files in a folder are
    read only if there is no `progress.csv`, which has the same metrics with 64 bits. Settings from RL Zoo become the
    configuration.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether the contents of a file are those of a Stable-Baselines3 log."""
        return SB3LogFolder(path).is_recognised

    def includes(self, path: Path, folder: Path) -> bool:
        """Return whether the logs in a subfolder belong to the training. Logs of other trainings are left to them."""
        # Most folders have no logs. Listing the files of the training for each of them would be slow.
        has_logs = is_part(folder.name) or (folder / EVALUATIONS).is_file() or bool(event_files(folder))
        return has_logs and SB3LogFolder(path).includes(folder)

    def read(self, path: Path) -> Imported:
        """Find the files. They are read lazily."""
        files = SB3LogFolder(path)
        if not files.is_recognised:
            raise ImportFormatError(f"{path}: found no *{ENDING}, {PROGRESS} or {EVALUATIONS}")
        configuration: dict[str, Any] = {}
        name = (path if path.is_dir() else path.absolute().parent).absolute().name
        warnings = ImportWarnings()
        records = with_warnings(_read(files, configuration, warnings), warnings, path)
        return Imported(name, records, configuration=configuration)


class SB3LogFolder:
    """The log files of a training.

    Args:
        path: Log folder, or one of its files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.inside = [path] if path.is_file() else sorted(file for file in path.glob("*") if file.is_file())
        self.monitors = monitor_paths(self.inside)
        tables = tables_in(path)
        self.progress = tables[0] if tables else None
        found = [file for file in self.inside if file.suffix == ".npz" and is_evaluations(file)]
        # A folder without monitor files or tables can hold several trainings, each with its own evaluations.
        if not found and (self.monitors or tables):
            found = self._evaluations_below()
        self.evaluations = found[0] if found else None
        self.surplus = found[1:]

    @property
    def events(self) -> list[Path]:
        """Event files of the training, also in subfolders; empty if a metric table has the same metrics."""
        if not self.path.is_dir() or self.progress is not None:
            return []
        folders = [self.path, *filter(self._is_named_part, self.path.glob("*/")), *filter(None, [self._event_folder])]
        return oldest_first({file for folder in folders for file in event_files(folder)})

    def includes(self, folder: Path) -> bool:
        """Return whether the logs in a subfolder belong to this training.

        Named parts belong to it, such as `eval`, and one subfolder with event files or evaluations. If there are
        several, they are the logs of other trainings, which a script left in its working folder.
        """
        if self._is_named_part(folder) or folder in training_folders(self.path):
            return True
        if self.evaluations is not None and folder == self.evaluations.parent:
            return True
        return folder == self._event_folder

    @cached_property
    def _event_folder(self) -> Path | None:
        """The only training with event files below a folder without any, unless there are monitor files next to it."""
        if any(map(is_event_file, self.inside)):
            return None
        found: set[Path] = set()
        for folder in found_trainings_with_events(self.path):
            if folder != self.path and not self._is_named_part(folder):
                found.add(folder)
            if len(found) > 1:
                return None
        between = {above for folder in found for above in (folder, *folder.parents) if self.path in above.parents}
        return None if any(map(_has_monitors, between)) else next(iter(found), None)

    def _is_named_part(self, folder: Path) -> bool:
        """Return whether a folder is a part by its name, and does not itself contain trainings."""
        if folder.parent != self.path or not is_part(folder.name):
            return False
        return all(training == folder for training in found_trainings_with_events(folder))

    def _evaluations_below(self) -> list[Path]:
        """Return the evaluations in named parts, or in the only other subfolder that is not another training."""
        found = sorted(self.path.glob(f"*/{EVALUATIONS}"))
        if parts := [file for file in found if self._is_named_part(file.parent)]:
            return parts
        others = [file for file in found if not _has_monitors(file.parent)]
        if len(others) != 1 or any(one != self._event_folder for one in found_trainings_with_events(others[0].parent)):
            return []
        return others

    @property
    def is_recognised(self) -> bool:
        """Whether there are log files. A metric table alone counts only if Stable-Baselines3 wrote it."""
        own = self.progress is not None and framework_of(columns_of_table(self.progress)) is SB3
        return bool(self.monitors or own or self.evaluations)


def _has_monitors(folder: Path) -> bool:
    return any(map(is_monitor, folder.glob("*.csv")))


def _read(files: SB3LogFolder, configuration: dict[str, Any], warnings: ImportWarnings) -> Iterator[Record]:
    if files.surplus:
        named = ", ".join(map(str, (files.evaluations, *files.surplus)))
        raise ImportFormatError(f"{files.path}: found several evaluations of one training: {named}. Import each alone")
    unread_monitors(files.inside, files.monitors, warnings)
    monitors = Monitors(files.monitors, warnings)
    zoo = ZooFolder(files.path)
    folder = files.path if files.path.is_dir() else files.path.absolute().parent
    configuration |= zoo.settings(warnings) or settings_of(folder, warnings)
    if monitors.environment is not None:
        configuration["env_id"] = monitors.environment
    evaluations = _evaluations(files, warnings)
    for episode in monitors.episodes():
        if evaluations is not None:
            evaluations.pass_by(episode)
        yield episode
    known = set()
    if evaluations is not None:
        known = evaluations.steps
        yield from evaluations.records()
    for record in _metrics(files, configuration, warnings, monitors.began):
        # Skip evaluations that `EvalCallback` also wrote to the evaluations file, which has their episodes as well.
        if not (isinstance(record, Evaluation) and record.env_step in known):
            yield record
    if (command := zoo.command().strip()) and monitors.began is not None:
        said = {"time": monitors.began, "kind": "command", "message": command, "severity": "info"}
        yield codec_of(Event).pack(said)[0]


def _metrics(
    files: SB3LogFolder, configuration: dict[str, Any], warnings: ImportWarnings, began: float | None
) -> Iterator[Record]:
    """Yield the records of the metric table, or of the event files if there is no table."""
    if files.progress is not None:
        yield from ProgressTable(files.progress, warnings).records(began)
    elif files.events:
        yield from TensorBoardImporter().read_into(files.events, configuration)


def _evaluations(files: SB3LogFolder, warnings: ImportWarnings) -> Evaluations | None:
    """Return the evaluations. In a folder, an unreadable evaluations file adds a warning and is left out."""
    if files.evaluations is None:
        return None
    try:
        return Evaluations(files.evaluations, warnings)
    except ImportFormatError as error:
        if files.path.is_file():
            raise
        warnings.add(f"{error}. The import leaves the file out.", file=str(files.evaluations))
        return None
