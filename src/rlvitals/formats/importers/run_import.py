"""Import of runs: detect the format, write to a hidden folder, then move the run to its destination."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ImportFormatError, RecordError, RlvitalsError, RunError
from rlvitals.formats.importers.earlier_imports import EarlierImports
from rlvitals.formats.importers.import_writing import ImportedRun, Progress, import_source, stored_import
from rlvitals.formats.importers.importer import Importer, StoreImporter
from rlvitals.formats.importers.importer_registry import format_of, importer_of
from rlvitals.formats.importers.training_search import Training, TrainingSearch, relative_name
from rlvitals.runs.run import Run
from rlvitals.runs.run_writer import restore_exchanged

_log = logging.getLogger("rlvitals")

_SHOWN = 5


class TrainingImport(NamedTuple):
    """Result for one of several trainings.

    Attributes:
        path: File or folder of the training.
        runs: Runs that were imported.
        error: Reason why the training or one of its runs could not be imported, if one could not.
    """

    path: Path
    runs: list[ImportedRun]
    error: RlvitalsError | None


def import_run(
    path: str | Path,
    log_dir: str | Path = "logs",
    *,
    name: str | None = None,
    format: str | Importer | None = None,  # noqa: A002 - name in the public interface
    progress: Progress | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Run:
    """Import a file or folder of another program, or an export, as a new run.

    The run is written in a hidden folder and becomes visible when it is complete. An import that fails or is killed
    leaves no run.

    Args:
        path: File or folder to import. It is only read.
        log_dir: Folder of runs for the new run.
        name: Run name, by default the original name. If the name is taken, a number is appended.
        format: Name of the format or an importer, by default detected from the file contents.
        progress: Callback that receives the number of records read.
        clock: Clock for the time of the import.

    Returns:
        The imported run.

    Raises:
        ImportFormatError: The file is damaged, its format is unknown, or it contains several runs.
        MissingExtraError: The format needs a package that is not installed.
        RunNameError: The name is not a valid folder name.
        RunError: The run cannot be written.
    """
    path = Path(path)
    chosen = format or format_of(path)
    importer = importer_of(chosen)
    with _read_errors(path):
        source = import_source(path, chosen)
        return stored_import(importer.read(path), source, Path(log_dir), name, progress, clock).run


def import_runs(
    path: str | Path,
    log_dir: str | Path = "logs",
    *,
    format: str | Importer | None = None,  # noqa: A002 - name in the public interface
    clock: Clock = SYSTEM_CLOCK,
) -> list[ImportedRun]:
    """Import all trainings at or below a path. Repeated imports skip trainings that have not changed.

    A folder that cannot be read is left out, with a warning in the log.

    Args:
        path: File or folder to import. It is only read.
        log_dir: Folder of runs.
        format: Name of the format or an importer, by default detected from the file contents.
        clock: Clock for the time of the import.

    Returns:
        The runs in the order of the search.

    Raises:
        ImportFormatError: A training is damaged or its format is unknown. The remaining trainings are imported.
        RunError: A run cannot be written.
    """
    path = Path(path)
    search = TrainingSearch(format)
    trainings = found_trainings([path], search)
    for message in search.unreadable:
        _log.warning("%s", message)
    done: list[ImportedRun] = []
    refused: list[Exception] = []
    for training in Imports(Path(log_dir), clock=clock).trainings(trainings):
        done += training.runs
        if isinstance(training.error, RunError):
            raise training.error
        if training.error is not None:
            refused.append(training.error)
    _raise_all(refused)
    return done


def found_trainings(paths: Iterable[Path], search: TrainingSearch) -> list[tuple[Training, Path | None]]:
    """Return the trainings at or below paths.

    A training comes with the searched folder if that holds several, so that its run is named relative to it.

    Args:
        paths: Files and folders to search.
        search: Search for the wanted formats.
    """
    found: list[tuple[Training, Path | None]] = []
    for path in paths:
        trainings = search.trainings_at(path)
        found += [(training, path if len(trainings) > 1 else None) for training in trainings]
    return found


def _not_shown(number: int, path: Path) -> AbstractContextManager[Progress | None]:
    """Show no progress."""
    del number, path
    return contextlib.nullcontext()


class Imports:
    """Imports into a folder of runs. They skip unchanged trainings and replace the runs of trainings that have grown.

    Args:
        log_dir: Folder of runs.
        again: Whether to read trainings whose files have not changed, too.
        clock: Clock for the time of the imports.
    """

    def __init__(self, log_dir: Path, *, again: bool = False, clock: Clock = SYSTEM_CLOCK) -> None:
        self._log_dir = log_dir
        self._again = again
        self._clock = clock
        restore_exchanged(log_dir)
        self._earlier = EarlierImports(log_dir)

    def trainings(
        self,
        trainings: Sequence[tuple[Training, Path | None]],
        *,
        name: str | None = None,
        shown: Callable[[int, Path], AbstractContextManager[Progress | None]] = _not_shown,
    ) -> Iterator[TrainingImport]:
        """Import trainings one after the other. One that cannot be imported does not stop the others.

        Args:
            trainings: Trainings from `found_trainings`.
            name: Run name, by default the original name.
            shown: Function that shows the progress of a training, given its number from 1 and its path.
        """
        for number, (training, below) in enumerate(trainings, 1):
            done: list[ImportedRun] = []
            failure: RlvitalsError | None = None
            try:
                with shown(number, training.path) as progress:
                    for run in self.training(
                        training.path, name=name, format=training.format, below=below, progress=progress
                    ):
                        done.append(run)  # noqa: PERF402 - keeps the runs before an error
            except RlvitalsError as error:
                failure = error
            yield TrainingImport(training.path, done, failure)

    def training(
        self,
        path: Path,
        *,
        name: str | None = None,
        format: str | Importer | None = None,  # noqa: A002 - name in the public interface
        below: Path | None = None,
        progress: Progress | None = None,
    ) -> Iterator[ImportedRun]:
        """Import the runs at a path, one after the other. A run that cannot be imported does not stop the others.

        Args:
            path: File or folder of one training, or a store of several runs.
            name: Run name, by default the original name.
            format: Name of the format or an importer, by default detected from the file contents.
            below: Folder that was searched. The runs are named by their path relative to it.
            progress: Callback that receives the number of records read.

        Raises:
            ImportFormatError: The file or a run in it is damaged, or the format is unknown.
            MissingExtraError: The format needs a package that is not installed.
            RunNameError: The name is not a valid folder name.
            RunError: The run cannot be written.
        """
        chosen = format or format_of(path)
        importer = importer_of(chosen)
        is_again = self._again or not isinstance(chosen, str)  # an importer that was passed can have other settings
        refused: list[Exception] = []
        keys: set[str] = set()
        with _read_errors(path):
            source = import_source(path, chosen)
            for imported in importer.runs_in(path) if name is None else [importer.read(path)]:
                own = imported.name if imported.run and isinstance(importer, StoreImporter) else ""
                relative = None if below is None else relative_name(path, below, own)
                key = source.key(imported.run)
                if key in keys:
                    refused.append(
                        ImportFormatError(
                            f"{path} has several runs with the identifier {imported.run!r}. Import them separately"
                        )
                    )
                    continue
                keys.add(key)
                earlier = self._earlier.find(key, name)
                if earlier is not None and earlier[1].source == source.signature and not is_again:
                    yield ImportedRun(earlier[0], "unchanged", path, earlier[1].records)
                    continue
                try:
                    done = stored_import(
                        imported, source, self._log_dir, name or relative, progress, self._clock, earlier
                    )
                except ImportFormatError as error:
                    refused.append(error)
                    continue
                self._earlier.add(done.run)
                yield done
        _raise_all(refused)


def _raise_all(refused: Sequence[Exception]) -> None:
    """Raise the only error, or an error with the messages of the first ones."""
    if len(refused) == 1:
        raise refused[0]
    if refused:
        raise ImportFormatError(" ".join(map(str, refused[:_SHOWN]))) from refused[0]


@contextlib.contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except RecordError as error:
        raise ImportFormatError(f"{path}: {error}") from error
    except OSError as error:
        raise ImportFormatError(f"{error.filename or path} cannot be read: {error.strerror or error}") from error
