"""The contract of an exporter: a run in, a file or a folder out."""

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
"""Is told how many records are done, of how many."""


class Source:
    """What of a run is to be exported: its header, as it was when the export began, and the records of some streams.

    Args:
        run: The run; it may be live.
        streams: The streams that are wanted; `None` is all, and leaves the choice to a format that holds one.
        raw: Whether records are wanted at all, and not the header and the summary alone.
        summary: What was worked out of the run, plain values.
        abandoned: Whether records of branches that a rewind left behind are wanted too.
        progress: Is told of the progress.

    Raises:
        ExportError: There is no such stream.
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
                raise ExportError(f"there is no stream {stream!r}: the streams are {', '.join(STREAMS)}")
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
        """The records of a stream, none if none are wanted; a second pass over a live run gives what the first gave.

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
        """Tell that all is done."""
        if self._progress is not None:
            self._progress(self._done, self._done)

    def one_stream(self) -> str:
        """The stream for a file that holds one: the one that was chosen, or the episodes.

        Raises:
            ExportError: Several were chosen.
        """
        if self.chosen is None:
            return "episodes"
        if len(self.chosen) != 1:
            raise ExportError(
                f"a file of one stream cannot hold {', '.join(self.chosen) or 'none'}: "
                "choose one, or a path without an ending, which becomes a folder"
            )
        return self.chosen[0]

    def described(self, *, counted: bool = True) -> dict[str, Any]:
        """What an export says of itself, and of its run; strict JSON.

        Args:
            counted: Whether it says how many records there are; only once they were read.
        """
        said: dict[str, Any] = {"format": FORMAT, "version": FORMAT_VERSION}
        said["header"] = spelled(msgspec.to_builtins(self.header))
        if self.summary is not None:
            said["summary"] = spelled(msgspec.to_builtins(self.summary))
        if counted:
            said["records"] = {stream: self.counts.get(stream, 0) for stream in self.streams}
        return said

    def write_header(self, folder: Path) -> None:
        """Write what an export says of itself into its folder."""
        (folder / HEADER).write_bytes(msgspec.json.format(msgspec.json.encode(self.described()), indent=2) + b"\n")

    def _total(self) -> int:
        if self._expected is None:
            self._expected = sum(_count(self.run, stream) for stream in self.streams)
        return self._expected * self.passes


class Exporter(ABC):
    """One noun, one verb: `export`.

    Target:
        The path that `export` is given does not exist, and lies in a folder of its own, in which an exporter may also
        keep what it needs on the way. What it leaves at the path (a file or a folder) is moved to where the user wants
        it, in one step, when `export` has returned: it needs no care for halves.
    Memory:
        A run may be larger than memory: records are taken as they come from `Source.records`, and not kept.
    Records:
        All of them, in their order, as they are: a number may be NaN or infinite, a field absent, and these four
        things stay different wherever the format can tell them apart. The header is `Source.described`.
    Errors:
        Any error ends the export, and leaves nothing behind. What the user did wrong is an `ExportError`; a package
        that is missing is a `MissingExtraError`.

    Attributes:
        endings: The endings of files by which the format is recognised, the usual one first; none if it is a folder.
    """

    endings: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def export(self, source: Source, target: Path) -> None:
        """Write a run to a path.

        Args:
            source: What is to be written.
            target: Where; with the name that the user chose.
        """


def _count(run: Run, stream: str) -> int:
    """Records of a stream, abandoned ones too, counted without reading them."""
    count, sealed = 0, []
    for segment in run.layout.segments(stream):
        try:
            if not segment.sealed:
                with reader(segment.path) as file:
                    count += sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))
                continue
        except FileNotFoundError:  # sealed since it was listed
            pass
        sealed.append(segment.path.with_suffix(SEALED))
    if sealed:
        with connected() as connection:
            count += (connection.execute(f"SELECT count(*) FROM {sealed_source(sealed)}").fetchone() or (0,))[0]
    return count
