"""Reading of a run folder without a database: header, vitality and records."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import RecordError, RunFormatError
from rlvitals.files.regular_files import reader
from rlvitals.records import STREAMS, Record, codec_of
from rlvitals.runs.header import Header, Rewind, read_header
from rlvitals.runs.layout import SEALED, Layout, Segment
from rlvitals.runs.vitality import Vitality, vitality


class RunFolder:
    """A run folder, opened for reading. It keeps no file open, and reads include the new records of a live writer.

    Args:
        path: Run folder.

    Raises:
        RunNotFoundError: There is no run at the path.
        RunFormatError: The folder is not a run folder, is damaged, or uses a newer format.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = _plain(Path(path))
        self.layout = Layout(self.path)
        self._stamp = _stamp(self.layout.header)
        self._header = read_header(self.path)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    @property
    def header(self) -> Header:
        """The current header of the run. It is read again if the file was replaced. Do not modify it."""
        stamp = _stamp(self.layout.header)
        if stamp is None or stamp != self._stamp:
            self._header, self._stamp = read_header(self.path), stamp
        return self._header

    @cached_property
    def run_id(self) -> str:
        """The run name."""
        return self.header.run_id

    def vitality(self, *, clock: Clock = SYSTEM_CLOCK) -> Vitality:
        """Return whether the run is alive."""
        return vitality(self.path, self.header, clock=clock)

    def records(self, stream: str, *, abandoned: bool = False) -> Iterator[Any]:
        """Yield the records of a stream in the order in which they were written.

        Args:
            stream: Stream name: `episodes`, `updates`, `evaluations`, `system`, `scalars` or `events`.
            abandoned: Whether to include records of branches that a rewind abandoned.

        Raises:
            RunFormatError: The stream is unknown, or a sealed segment is damaged.
        """
        rewinds = [] if abandoned else rewinds_of(self.header)
        for segment in self.layout.segments(checked_stream(stream)):
            for record in records_in(segment, STREAMS[stream]):
                if not is_abandoned(record, rewinds):
                    yield record


def _plain(path: Path) -> Path:
    """Remove the second of two leading slashes, which POSIX keeps, so that paths can be compared with others."""
    text = str(path)
    return Path(text[1:]) if os.name == "posix" and text.startswith("//") else path


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """Return values that change when a file is replaced; `None` if stat fails, which reading the file reports."""
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def rewinds_of(header: Header) -> list[tuple[int, Rewind]]:
    """Return the rewinds of a run, each with the number of the writer that started with it."""
    return [(writer.writer, writer.rewind) for writer in header.writers if writer.rewind is not None]


def is_abandoned(record: Record, rewinds: list[tuple[int, Rewind]]) -> bool:
    """Return whether a later writer rewound the run to a point before a record."""
    return any(
        record.writer < writer and any(_beyond(record, clock, at) for clock, at in _clocks(rewind))
        for writer, rewind in rewinds
    )


def records_in(segment: Segment, kind: type[Record], *, skip: int = 0) -> Iterator[Any]:
    """Yield the records of one segment. Torn lines are skipped.

    Args:
        segment: Segment to read.
        kind: Record class of the segment.
        skip: Number of records to skip at the start.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    if segment.sealed:
        yield from _rows(segment.path, kind, skip)
        return
    try:
        content = reader(segment.path)
    except FileNotFoundError:  # sealed since it was listed
        yield from _rows(segment.path.with_suffix(SEALED), kind, skip)
        return
    with content:
        yield from itertools.islice(_whole_records(content, codec_of(kind).unpack), skip, None)


def _whole_records(lines: Iterable[bytes], unpack: Callable[[bytes], Any]) -> Iterator[Any]:
    for line in lines:
        if line.endswith(b"\n"):
            try:
                record = unpack(line)
            except RecordError:
                continue
            yield record


def _rows(path: Path, kind: type[Record], skip: int) -> Iterator[Any]:
    from rlvitals.runs.rows import rows_of  # noqa: PLC0415 - a reader of open segments needs no database

    return rows_of(path, kind, skip=skip)


def checked_stream(stream: str) -> str:
    """Return the name of a stream after checking it.

    Raises:
        RunFormatError: The stream is unknown.
    """
    if stream not in STREAMS:
        raise RunFormatError(f"unknown stream {stream!r}. The streams are {', '.join(STREAMS)}.")
    return stream


def _clocks(rewind: Rewind) -> list[tuple[str, int]]:
    given = (("env_step", rewind.env_step), ("episode", rewind.episode), ("step", rewind.step))
    return [(clock, at) for clock, at in given if at is not None]


def _beyond(record: Record, clock: str, at: int) -> bool:
    said = getattr(record, clock, None)
    return said is not None and said > at
