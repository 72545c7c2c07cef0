"""Import of runs: detect the format, write to a hidden folder, then move the run to its destination."""

import contextlib
import hashlib
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ImportFormatError, RecordError, RlvitalsError, RunError
from rlvitals.formats.importers.earlier_imports import (
    EarlierImports,
    ImportMark,
    import_key,
    mark_of,
    marked_path,
    source_signature,
)
from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.formats.importers.importer_registry import format_of, importer_of
from rlvitals.formats.importers.training_search import Training, TrainingSearch, relative_name
from rlvitals.records.coercion import spelled
from rlvitals.records.masking import DEFAULT_MASKING
from rlvitals.runs import header as headers
from rlvitals.runs.header import IMPORTED, Header, Writer, write_header
from rlvitals.runs.lock import WriterLock, host_name
from rlvitals.runs.run import Run
from rlvitals.runs.run_writer import RunWriter, free_name, restore_exchanged

Progress = Callable[[int], None]
"""Callback that receives the number of records read."""

Outcome = Literal["imported", "updated", "unchanged"]
"""What an import did: created a run, replaced the run of an earlier import, or found that nothing has changed."""

_log = logging.getLogger("rlvitals")

_WARNINGS = "events"
"""Stream with the warnings of an import. It can shrink, for example when a line that was incomplete is complete."""
_PROGRESS_EVERY = 1_000
_SHOWN = 5


class ImportedRun(NamedTuple):
    """Result of an import.

    Attributes:
        run: The run.
        outcome: `imported`, `updated` or `unchanged`.
        path: File or folder that was imported.
        records: Number of records per stream; streams without records can be missing.
    """

    run: Run
    outcome: Outcome
    path: Path
    records: dict[str, int]


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
        source = _import_source(path, chosen)
        return _stored(importer.read(path), source, Path(log_dir), name, progress, clock).run


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
            source = _import_source(path, chosen)
            for imported in importer.runs_in(path) if name is None else [importer.read(path)]:
                own = imported.name if imported.run else ""
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
                    done = _stored(imported, source, self._log_dir, name or relative, progress, self._clock, earlier)
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


class _ImportSource(NamedTuple):
    """Path to import, name of its format, settings of its importer, and signature of its files."""

    path: Path
    format: str
    settings: Mapping[str, str]
    signature: str

    def key(self, run: str) -> str:
        """Return the digest of the origin of a run."""
        return import_key(self.path, self.format, self.settings, run)


def _import_source(path: Path, chosen: str | Importer) -> _ImportSource:
    named = chosen if isinstance(chosen, str) else type(chosen).__name__
    return _ImportSource(path, named, importer_of(chosen).settings, source_signature(path))


def _stored(
    imported: Imported,
    source: _ImportSource,
    log_dir: Path,
    name: str | None,
    progress: Progress | None,
    clock: Clock,
    earlier: tuple[Run, ImportMark] | None = None,
) -> ImportedRun:
    """Write a run, or replace the earlier import of the same training if it has other records or settings.

    An earlier import that has more records, or that a training has resumed, is kept. The new run gets a number.
    """
    wanted = free_name(imported.name) if name is None else name
    writer = RunWriter(log_dir, wanted)
    try:
        started, ended = _write(imported, writer, progress)
        header = imported.header or _header(imported, started, ended)
        mark = ImportMark(
            path=marked_path(source.path),
            format=source.format,
            time=clock.time(),
            run=imported.run,
            key=source.key(imported.run),
            name=wanted,
            source=source.signature,
            content=hashlib.blake2b(f"{writer.digest} {header!r}".encode(errors="replace"), digest_size=16).hexdigest(),
            records=dict(writer.counts),
            writers=len(header.writers),
        )
        with _locked(earlier, writer.counts) as kept:
            if kept is not None and earlier is not None and earlier[1].content == mark.content:
                _put_mark(kept.header, mark)
                write_header(kept.layout, kept.header)
                return ImportedRun(kept, "unchanged", source.path, mark.records)
            _put_mark(header, mark)
            if not header.keeps_secrets:
                headers.mask_secrets(header, DEFAULT_MASKING)
            run = writer.finish(header, replacing=None if kept is None else kept.path)
            return ImportedRun(run, "updated" if kept else "imported", source.path, mark.records)
    finally:
        writer.give_up()


@contextlib.contextmanager
def _locked(earlier: tuple[Run, ImportMark] | None, counts: Counter[str]) -> Iterator[Run | None]:
    """Lock an earlier import against other writers, and read it again.

    Args:
        earlier: Run of the earlier import, and its mark.
        counts: Number of new records per stream.

    Yields:
        The run, or `None` if it must not be replaced: it has more records, or has changed since it was found.
    """
    if earlier is None or any(counts[stream] < of for stream, of in earlier[1].records.items() if stream != _WARNINGS):
        yield None
        return
    with contextlib.ExitStack() as stack:
        run: Run | None = None
        with contextlib.suppress(OSError, RunError):
            stack.callback(WriterLock(earlier[0].layout.lock).release)
            again = Run(earlier[0].path)
            run = again if mark_of(again.header) == earlier[1] else None
        yield run


def _put_mark(header: Header, mark: ImportMark) -> None:
    header.reproduction = {**header.reproduction, IMPORTED: msgspec.to_builtins(mark)}


@contextlib.contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except RecordError as error:
        raise ImportFormatError(f"{path}: {error}") from error
    except OSError as error:
        raise ImportFormatError(f"{error.filename or path} cannot be read: {error.strerror or error}") from error


def _write(imported: Imported, writer: RunWriter, progress: Progress | None) -> tuple[float, float]:
    started, ended = math.inf, -math.inf
    for number, record in enumerate(imported.records, 1):
        writer.write(record)
        if math.isfinite(record.time):
            started, ended = min(started, record.time), max(ended, record.time)
        if progress is not None and number % _PROGRESS_EVERY == 0:
            progress(number)
    for stream, wanted in (imported.counts or {}).items():
        if writer.counts[stream] != wanted:
            raise ImportFormatError(
                f"{imported.name}: found {writer.counts[stream]} {stream} instead of {wanted}; "
                "the export is incomplete. Export the run again"
            )
    if not writer.counts and imported.header is None:
        raise ImportFormatError(f"{imported.name}: no records found")
    return (started, ended) if started <= ended else (0.0, 0.0)


def _header(imported: Imported, started: float, ended: float) -> Header:
    writer = Writer(writer=1, started=started, host=host_name(), pid=0, ended=ended, status=headers.COMPLETED)
    return Header(
        run_id="",
        project=imported.project,
        status=headers.COMPLETED,
        started=started,
        ended=ended,
        configuration=spelled(imported.configuration or {}),
        tags=list(imported.tags),
        writers=[writer],
    )
