"""Base class of exporters, and the data that an exporter receives."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from rlvitals.errors import ExportError
from rlvitals.files.regular_files import reader
from rlvitals.records import STREAMS
from rlvitals.records.coercion import spelled
from rlvitals.runs.export_marker import FORMAT, FORMAT_VERSION, HEADER
from rlvitals.runs.header import Header
from rlvitals.runs.layout import SEALED
from rlvitals.runs.run import Run
from rlvitals.runs.sql_columns import connected, sealed_source

_PROGRESS_EVERY = 1_000
_BLOCK = 1 << 20

Progress = Callable[[int, int], None]
"""Callback that receives the number of records written and the total number."""


class Source:
    """Data of a run to export: the header at the start of the export, and the records of the selected streams.

    Args:
        run: Run to export, possibly live.
        streams: Names of the streams to export. With `None`, a format that holds one stream exports the episodes, and
            any other format exports all streams.
        raw: Whether to export records; otherwise the export contains only the header and the summary.
        summary: Results computed from the run, as plain values.
        abandoned: Whether to include records of branches that a rewind abandoned.
        progress: Callback for the number of records written.

    Raises:
        ExportError: A stream name is unknown.
    """

    def __init__(
        self,
        run: Run,
        *,
        streams: Sequence[str] | None = None,
        raw: bool = True,
        summary: dict[str, Any] | None = None,
        abandoned: bool = False,
        progress: Progress | None = None,
    ) -> None:
        for stream in streams or ():
            if stream not in STREAMS:
                raise ExportError(f"unknown stream {stream!r}. The streams are {', '.join(STREAMS)}.")
        self.run = run
        self.raw = raw
        self.chosen = streams
        self.streams = tuple(name for name in STREAMS if raw and (streams is None or name in streams))
        self.header: Header = run.header
        self.summary = summary
        self.counts: dict[str, int] = {}
        self.passes = 1
        self._abandoned = abandoned
        self._progress = progress
        self._done = 0
        self._expected: int | None = None

    def records(self, stream: str) -> Iterator[Any]:
        """Yield the records of a stream, or none if the export has no records.

        A second pass over a live run yields the same records as the first pass.

        Raises:
            RunFormatError: A segment is damaged.
        """
        count = 0
        records = self.run.records(stream, abandoned=self._abandoned) if self.raw else iter(())
        for record in itertools.islice(records, self.counts.get(stream)):
            yield record
            count += 1
            self._done += 1
            if self._progress is not None and self._done % _PROGRESS_EVERY == 0:
                self._progress(self._done, max(self._done, self._total()))
        self.counts[stream] = count

    def finished(self) -> None:
        """Report to the progress callback that the export is complete."""
        if self._progress is not None:
            self._progress(self._done, self._done)

    def one_stream(self) -> str:
        """Return the stream for a file that holds only one: the selected stream, or `episodes` by default.

        Raises:
            ExportError: Several streams are selected.
        """
        if self.chosen is None:
            return "episodes"
        if len(self.chosen) != 1:
            raise ExportError(
                f"a single file holds one stream, got {', '.join(self.chosen) or 'none'}. "
                "Choose one stream, or a path without a suffix to export a folder"
            )
        return self.chosen[0]

    def described(self, *, counted: bool = True) -> dict[str, Any]:
        """Return the metadata of the export and of its run, as strict JSON values.

        Args:
            counted: Whether to include the number of records per stream. The numbers are known only after reading.
        """
        said: dict[str, Any] = {"format": FORMAT, "version": FORMAT_VERSION}
        said["header"] = spelled(msgspec.to_builtins(self.header))
        if self.summary is not None:
            said["summary"] = spelled(msgspec.to_builtins(self.summary))
        if counted:
            said["records"] = {stream: self.counts.get(stream, 0) for stream in self.streams}
        return said

    def write_header(self, folder: Path) -> None:
        """Write the metadata of the export to `header.json` in its folder."""
        (folder / HEADER).write_bytes(msgspec.json.format(msgspec.json.encode(self.described()), indent=2) + b"\n")

    def _total(self) -> int:
        if self._expected is None:
            self._expected = sum(_count(self.run, stream) for stream in self.streams)
        return self._expected * self.passes


class Exporter(ABC):
    """Base class of exporters. Subclasses implement `export`.

    Target:
        The target path does not exist. Its parent is a temporary folder, which the exporter can also use for scratch
        files. After `export` returns, the file or folder at the target path is moved to its destination in one step, so
        an exporter need not clean up partial output.
    Memory:
        A run can be larger than memory. Process records one at a time as `Source.records` yields them.
    Records:
        Export all records unchanged and in order. Numbers can be NaN, infinite or negative infinite, and fields can be
        missing; keep these four values distinct if the format allows it. `Source.described` returns the header.
    Errors:
        Any error ends the export and leaves nothing at the destination. Raise `ExportError` for user errors and
        `MissingExtraError` for a missing package.

    Attributes:
        endings: File suffixes of the format, the preferred one first; empty if the format is a folder.
    """

    endings: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def export(self, source: Source, target: Path) -> None:
        """Write a run to a path.

        Args:
            source: Data to export.
            target: Path to write to. Its name is the name that the user chose.
        """


def _count(run: Run, stream: str) -> int:
    """Return the number of records of a stream, including abandoned ones, without decoding them."""
    count, sealed = 0, []
    for segment in run.layout.segments(stream):
        try:
            if not segment.sealed:
                with reader(segment.path) as file:
                    count += sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))
                continue
        except FileNotFoundError:  # sealed after it was listed
            pass
        sealed.append(segment.path.with_suffix(SEALED))
    if sealed:
        with connected() as connection:
            count += (connection.execute(f"SELECT count(*) FROM {sealed_source(sealed)}").fetchone() or (0,))[0]
    return count
