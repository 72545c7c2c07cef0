"""Lock-free following of a live stream by segment and byte offset. It also works on shared disks."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.errors import RecordError, RunFormatError
from rlvitals.files.regular_files import reader
from rlvitals.records import STREAMS, codec_of
from rlvitals.runs.folder import RunFolder, records_in
from rlvitals.runs.layout import SEALED, Layout, Segment

T = TypeVar("T")


def polled(
    run: RunFolder, check: Callable[[], T], wait: Callable[[float], object], *, forever: bool = False
) -> Iterator[T]:
    """Check a run repeatedly until it ends, and yield the result of each check.

    The last check starts after the end of the run, so that it includes all records.

    Args:
        run: Run to check.
        check: Function that reads the run and returns the result.
        wait: Function that waits between two checks. Its argument is the duration of the last check, in seconds.
        forever: Whether to continue after the end of the run, because the run can be resumed.
    """
    while True:
        is_last = not forever and not run.vitality().is_open
        begun = SYSTEM_CLOCK.monotonic()
        yield check()
        if is_last:
            return
        wait(SYSTEM_CLOCK.monotonic() - begun)


class Follower:
    """Cursor on a stream that returns the records added since the last read.

    Args:
        layout: Paths of the run.
        stream: Stream name.
    """

    def __init__(self, layout: Layout, stream: str) -> None:
        self._layout = layout
        self._stream = stream
        self._kind = STREAMS[stream]
        self._unpack = codec_of(self._kind).unpack
        self._number = 0
        self._offset = 0
        self._seen = 0

    def read(self) -> list[Any]:
        """Read the new records.

        Returns:
            The new records; empty if there are none, or if the folder is currently not accessible.

        Raises:
            RunFormatError: A sealed segment is damaged.
        """
        fresh: list[Any] = []
        for segment in self._layout.segments(self._stream):
            if segment.number < self._number:
                continue
            if segment.number > self._number:
                self._number, self._offset, self._seen = segment.number, 0, 0
            try:
                fresh += self._new_rows(segment) if segment.sealed else self._new_lines(segment)
            except RunFormatError:
                if not fresh:
                    raise
                break  # return the records read until now; the next read starts at the damaged segment and raises
        return fresh

    def skip(self) -> None:
        """Move to the end of the stream, so that later reads return only later records."""
        self.read()

    def _new_rows(self, segment: Segment) -> list[Any]:
        # Sealing keeps the records and their order, so the records that were read as lines can be skipped by number.
        if self._offset < 0:
            return []
        rows = list(records_in(segment, self._kind, skip=self._seen))
        self._offset = -1
        return rows

    def _new_lines(self, segment: Segment) -> list[Any]:
        try:
            with reader(segment.path) as file:
                file.seek(self._offset)
                content = file.read()
        except FileNotFoundError:  # sealed since it was listed, or removed
            sealed = segment.path.with_suffix(SEALED)
            return self._new_rows(segment._replace(path=sealed)) if sealed.exists() else []
        whole = content[: content.rfind(b"\n") + 1]  # the last line is still being written
        self._offset += len(whole)
        records: list[Any] = []
        for line in whole.split(b"\n"):
            try:
                records += [self._unpack(line)] if line else []
            except RecordError:
                continue
        self._seen += len(records)
        return records
