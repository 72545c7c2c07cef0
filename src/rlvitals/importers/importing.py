"""Importing a run: recognise the format, write aside, put it in its place."""

import math
from collections.abc import Callable
from pathlib import Path

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.importers.base import Imported
from rlvitals.importers.registry import format_of, make_importer
from rlvitals.records.coercion import spelled
from rlvitals.runs import header as headers
from rlvitals.runs.header import Header, Writer
from rlvitals.runs.lock import host_name
from rlvitals.runs.run import Run
from rlvitals.runs.writing import RunWriter, free_name

Progress = Callable[[int], None]
"""Is told how many records were read."""

_TOLD_EVERY = 1_000


def import_run(
    path: str | Path,
    log_dir: str | Path = "logs",
    *,
    name: str | None = None,
    format: str | None = None,  # noqa: A002 - the interface's own word
    progress: Progress | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Run:
    """Make a run of a file or a folder that comes from elsewhere.

    It is written in a hidden folder, and appears when it is whole: an import that fails, or is killed, leaves no run.

    Args:
        path: The file or the folder; it is only read.
        log_dir: The folder of runs.
        name: The run's name; by default what it was called. If it is taken, a number is put behind it.
        format: The format's name; by default the file's looks say it.
        progress: Is told how many records were read.
        clock: Tells when it was imported.

    Raises:
        ImportFormatError: The file is damaged, or of no format that is known.
        MissingExtraError: The format needs a package that is not installed.
        RunNameError: The name cannot be a folder's name.
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
            return writer.finish(header)
        finally:
            writer.give_up()
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
        if progress is not None and number % _TOLD_EVERY == 0:
            progress(number)
    for stream, wanted in (imported.counts or {}).items():
        if writer.counts[stream] != wanted:
            raise ImportFormatError(
                f"{imported.name}: {writer.counts[stream]} {stream} were found, and there should be {wanted}: "
                "a part of the export is missing"
            )
    if not writer.counts and imported.header is None:
        raise ImportFormatError(f"{imported.name}: there is no record in it")
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
