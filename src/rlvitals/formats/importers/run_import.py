"""Import of a run: detect the format, write to a hidden folder, then move the run to its destination."""

import math
import re
from collections.abc import Callable
from pathlib import Path

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.files.regular_files import is_regular
from rlvitals.formats.importers.importer import Imported
from rlvitals.formats.importers.importer_registry import format_of, make_importer
from rlvitals.records.coercion import spelled
from rlvitals.records.masking import DEFAULT_MASKING
from rlvitals.runs import header as headers
from rlvitals.runs.header import Header, Writer
from rlvitals.runs.layout import HEADER
from rlvitals.runs.lock import host_name
from rlvitals.runs.run import Run
from rlvitals.runs.run_writer import RunWriter, free_name

Progress = Callable[[int], None]
"""Callback that receives the number of records read."""

_PROGRESS_EVERY = 1_000
_MOST_DEPTH = 4
_PART = re.compile(r"train(ing)?|eval(uations?)?|test|val(idation)?|rollout|checkpoint-\d+")
"""Names of folders that are parts of one training."""


def import_run(
    path: str | Path,
    log_dir: str | Path = "logs",
    *,
    name: str | None = None,
    format: str | None = None,  # noqa: A002 - name in the public interface
    progress: Progress | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Run:
    """Import a file or folder of another program, or an export, as a run.

    The run is written in a hidden folder and becomes visible when it is complete. An import that fails or is killed
    leaves no run.

    Args:
        path: File or folder to import. It is only read.
        log_dir: Folder of runs for the new run.
        name: Run name, by default the original name. If the name is taken, a number is appended.
        format: Name of the format, by default detected from the file contents.
        progress: Callback that receives the number of records read.
        clock: Clock for the time of the import.

    Returns:
        The imported run.

    Raises:
        ImportFormatError: The file is damaged or its format is unknown.
        MissingExtraError: The format needs a package that is not installed.
        RunNameError: The name is not a valid folder name.
        RunError: The run cannot be written.
    """
    path = Path(path)
    chosen = format or format_of(path)
    try:
        imported = make_importer(chosen).read(path)
        writer = RunWriter(Path(log_dir), free_name(imported.name) if name is None else name)
        try:
            started, ended = _write(imported, writer, progress)
            header = imported.header or _header(imported, started, ended)
            if imported.header is None:
                header.reproduction = {
                    "imported": {"path": str(path.absolute()), "format": chosen, "time": clock.time()}
                }
            if not header.keeps_secrets:
                headers.mask_secrets(header, DEFAULT_MASKING)
            return writer.finish(header)
        finally:
            writer.give_up()
    except RecordError as error:
        raise ImportFormatError(f"{path}: {error}") from error
    except OSError as error:
        raise ImportFormatError(f"{error.filename or path} cannot be read: {error.strerror or error}") from error


def trainings_in(path: Path) -> list[Path]:
    """Return the trainings at or below a path. Each training becomes one run.

    A folder that directly contains files of a known format is one training, including its subfolders. The same applies
    to a folder with subfolders that are parts of one training (`train`, `eval`). Other folders are searched four levels
    deep. Run folders of rlvitals are skipped.

    Args:
        path: File or folder to search.

    Returns:
        Paths of the trainings, or only `path` if there are none. Importing it raises an error with the reason.
    """
    if not path.is_dir() or is_regular(path / HEADER):
        return [path]
    return _below(path, _MOST_DEPTH) or [path]


def run_name(training: Path, folder: Path) -> str:
    """Return the run name of one of several trainings: its path relative to the folder, joined with hyphens."""
    *above, last = training.relative_to(folder).parts
    return free_name("-".join([*above, training.stem if training.is_file() else last]))


def _below(folder: Path, depth: int) -> list[Path]:
    found = _files_of(folder)
    if found and _is_known(folder):
        return [folder]
    for entry in _entries(folder) if depth else ():
        if entry.is_dir() and not is_regular(entry / HEADER):
            found += _below(entry, depth - 1)
    parts = {place.relative_to(folder).parts[0].lower() for place in found}
    return [folder] if found and all(map(_PART.fullmatch, parts)) and _is_known(folder) else found


def _files_of(folder: Path) -> list[Path]:
    """Return the files in a folder that can be imported separately."""
    return [entry for entry in _entries(folder) if is_regular(entry) and _is_known(entry)]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError:  # importing the folder reports the error
        return []


def _is_known(path: Path) -> bool:
    try:
        format_of(path)
    except ImportFormatError:
        return False
    return True


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
        writers=[writer],
    )
