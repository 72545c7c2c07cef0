"""Following a live stream without locks: by segment and byte offset, on a shared disk too."""

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
    """Check a run again and again until it is over, and yield what each check returns.

    The last check begins after the end, so that it includes all records.

    Args:
        run: The run.
        check: Reads the run.
        wait: Waits between two checks; its argument is the duration of the last check in seconds.
        forever: Whether to continue after the end of the run, which may be resumed.
    """
    while True:
        is_last = not forever and not run.vitality().is_open
        begun = SYSTEM_CLOCK.monotonic()
        yield check()
        if is_last:
            return
        wait(SYSTEM_CLOCK.monotonic() - begun)


class Follower:
    """Gives what a stream has gained since the last look.

    Args:
        layout: The run's paths.
        stream: The stream's name.
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
        """The records that are new; none if there is nothing new, or the folder is not to be seen at present.

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
                break  # what was read so far is not to be lost; the next look begins with the damage
        return fresh

    def skip(self) -> None:
        """Go to the end, so that only what comes from now on is given."""
        self.read()

    def _new_rows(self, segment: Segment) -> list[Any]:
        # A segment that was read as lines and has been sealed since holds the same records in the same order.
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
        whole = content[: content.rfind(b"\n") + 1]  # a line without its end is still being written
        self._offset += len(whole)
        records: list[Any] = []
        for line in whole.split(b"\n"):
            try:
                records += [self._unpack(line)] if line else []
            except RecordError:
                continue
        self._seen += len(records)
        return records
