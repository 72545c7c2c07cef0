"""Writing of imported runs: a new run, or one that replaces an earlier import."""

import contextlib
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from rlvitals.clock import Clock
from rlvitals.errors import ImportFormatError, RunError
from rlvitals.formats.importers.earlier_imports import (
    ImportMark,
    import_key,
    mark_of,
    marked_path,
    source_signature,
)
from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.formats.importers.importer_registry import importer_of
from rlvitals.records import Record
from rlvitals.records.coercion import spelled
from rlvitals.records.masking import DEFAULT_MASKING
from rlvitals.runs import header as headers
from rlvitals.runs.header import IMPORTED, Header, Writer, read_header, write_header
from rlvitals.runs.layout import valid_name
from rlvitals.runs.lock import WriterLock
from rlvitals.runs.run import Run
from rlvitals.runs.run_writer import RunWriter

Progress = Callable[[int], None]
"""Callback that receives the number of records read."""

Outcome = Literal["imported", "updated", "unchanged"]
"""What an import did: created a run, replaced the run of an earlier import, or found that nothing has changed."""

_WARNINGS = "events"
"""Stream with the warnings of an import. It can shrink, for example when a line that was incomplete is complete."""
_PROGRESS_EVERY = 1_000


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


class RecordTimes:
    """Times of the first and the last record of a run."""

    def __init__(self) -> None:
        self._first, self._last = math.inf, -math.inf

    def add(self, record: Record) -> None:
        """Take the time of a record. Records can come in any order."""
        if math.isfinite(record.time):
            self._first, self._last = min(self._first, record.time), max(self._last, record.time)

    def range(self, *, without: float) -> tuple[float, float]:
        """Return the first and the last time, or twice the time `without` if there are no records."""
        return (self._first, self._last) if self._first <= self._last else (without, without)


class ImportSource(NamedTuple):
    """Path to import, name of its format, settings of its importer, and signature of its files."""

    path: Path
    format: str
    settings: Mapping[str, str]
    signature: str

    def key(self, run: str) -> str:
        """Return the digest of the origin of a run."""
        return import_key(self.path, self.format, self.settings, run)


def import_source(path: Path, chosen: str | Importer) -> ImportSource:
    """Return the source of an import.

    Args:
        path: File or folder to import.
        chosen: Name of its format, or an importer.

    Raises:
        ImportFormatError: The format is unknown.
        MissingExtraError: The format needs a package that is not installed.
        OSError: A file cannot be read.
    """
    named = chosen if isinstance(chosen, str) else type(chosen).__name__
    return ImportSource(path, named, importer_of(chosen).settings, source_signature(path))


def stored_import(
    imported: Imported,
    source: ImportSource,
    log_dir: Path,
    name: str | None,
    progress: Progress | None,
    clock: Clock,
    earlier: tuple[Run, ImportMark] | None = None,
) -> ImportedRun:
    """Write a run, or replace the earlier import of the same training if it has other records or settings.

    An earlier import that has more records, or that a training has resumed, is kept. The new run gets a number.

    Args:
        imported: Run to write.
        source: Source of the import.
        log_dir: Folder of runs.
        name: Run name. Default: the original name.
        progress: Callback that receives the number of records read.
        clock: Clock for the time of the import.
        earlier: Run of the newest import of the same training, and its mark.

    Raises:
        ImportFormatError: The source is damaged or has no records.
        RunNameError: The name is not a valid folder name.
        RunError: The run cannot be written.
    """
    wanted = valid_name(imported.name) if name is None else name
    writer = RunWriter(log_dir, wanted)
    try:
        started, ended = _write(imported, writer, progress)
        header = imported.header or imported_header(imported, started, ended)
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
                found = read_header(kept.path)
                _put_mark(found, mark)
                write_header(kept.layout, found)
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


def _write(imported: Imported, writer: RunWriter, progress: Progress | None) -> tuple[float, float]:
    times = RecordTimes()
    for number, record in enumerate(imported.records, 1):
        writer.write(record)
        times.add(record)
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
    return times.range(without=0.0)


def imported_header(imported: Imported, started: float, ended: float) -> Header:
    """Return the header of a training that another program recorded. What its files do not have stays unknown.

    Args:
        imported: Run of the other program, whose records have been read.
        started: Time of the first record.
        ended: Time of the last record.
    """
    # The machine that imports is not that of the training.
    writer = Writer(writer=1, started=started, host="", pid=0, ended=ended, status=headers.COMPLETED)
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
