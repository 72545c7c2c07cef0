"""The appending side of one stream: when `append` returns, the line is with the operating system.

What can go wrong goes wrong here: a full disk, a folder that somebody removed, a permission that was taken away. The
journal then keeps lines in a bounded backlog, tries again once a second, counts what it could not keep, and tells its
owner once when trouble begins and once when it is over.
"""

import contextlib
import errno
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from rlvitals.clock import Clock
from rlvitals.errors import ClosedError
from rlvitals.runs.layout import segment_path, segments_in
from rlvitals.runs.torn import Unpack, mend

SEAL_RECORDS = 100_000
"""Records in a segment before it is sealed: the open tail is still read in about a tenth of a second."""
BACKLOG_LINES = 10_000
_RETRY_S = 1.0
_NEWLINE = b"\n"
_NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

_sync = getattr(os, "fdatasync", os.fsync)


class Trouble:
    """What a journal tells its owner; the owner overrides both."""

    def began(self, path: Path, error: OSError) -> None:
        """The journal cannot write to a file, and keeps lines in memory."""

    def ended(self, path: Path, lost: int) -> None:
        """The journal writes again; so many lines were lost since the trouble began."""


class Journal:
    """Appends lines to the segments of one stream. Safe from any thread, and from a signal handler.

    Args:
        folder: The stream's folder; it must exist.
        unpack: Reads a line, so that a torn end can be told from a whole one.
        clock: Paces the retries.
        trouble: Is told when writing fails and when it works again.
        seal_records: Records in a segment before the next one is begun.
        backlog_lines: Lines kept in memory while the disk takes none; the oldest go first.
        sync_always: Whether each line is forced to the disk before `append` returns.

    Raises:
        OSError: The last segment cannot be opened or mended.
    """

    def __init__(
        self,
        folder: Path,
        unpack: Unpack,
        *,
        clock: Clock,
        trouble: Trouble,
        seal_records: int = SEAL_RECORDS,
        backlog_lines: int = BACKLOG_LINES,
        sync_always: bool = False,
    ) -> None:
        self.folder = folder
        self.lost = 0
        self.torn_bytes = 0
        self.on_rotated: Callable[[Path], None] = lambda _: None
        self._clock = clock
        self._trouble = trouble
        self._seal_records = seal_records
        self._sync_always = sync_always
        # Re-entrant, as a signal handler may log while its own thread is inside `append`.
        self._lock = threading.RLock()
        self._backlog: deque[bytes] = deque()
        self._backlog_lines = backlog_lines
        self._failing: OSError | None = None
        self._misplaced: OSError | None = None
        self._lost_before = 0
        self._retry_at = 0.0
        self._torn = False
        self._retired: list[int] = []
        self._closed = False
        self.path, self._records = self._last_segment(unpack)
        self._done = -self._records
        self._synced = self._records
        self._rotate_at = max(seal_records, self._records + 1)
        # Lines go straight to the file while the segment holds fewer; -1 sends them the careful way.
        self._straight_below = self._usual_limit()
        self._fd = self._open(self.path)

    @property
    def failing(self) -> OSError | None:
        """Why nothing can be written at present; `None` if all is well."""
        return self._failing or self._misplaced

    @property
    def records(self) -> int:
        """Records in the last segment."""
        return self._records

    @property
    def appended(self) -> int:
        """Records written since the journal was opened."""
        return self._done + self._records

    @property
    def waiting(self) -> int:
        """Lines in memory that wait for the disk."""
        return len(self._backlog)

    def count_taken(self) -> int:
        """Records taken since the journal was opened: written, waiting or lost."""
        return self.appended + self.waiting + self.lost

    def append(self, line: bytes) -> None:
        """Append one line, which ends with a newline. Never raises for the disk's troubles.

        Raises:
            ClosedError: The journal is closed.
        """
        with self._lock:
            if self._records < self._straight_below:
                try:
                    written = os.write(self._fd, line)
                except OSError as error:
                    self._fail(error)
                else:
                    if written == len(line):
                        self._records += 1
                        return
                    self._take_back(written)
                    self._fail(_NO_SPACE)
            self._append_with_care(line)

    def recover(self) -> None:
        """Write what waits in memory, if it is time to try again; find out whether the file has gone from its place."""
        with self._lock:
            if self._closed:
                return
            if self._is_gone():
                self._rescue()
            if self._failing is not None and self._clock.monotonic() >= self._retry_at:
                self._drain()

    def sync(self) -> None:
        """Force what was written to the disk. Called by one thread only."""
        with self._lock:
            retired, self._retired = self._retired, []
            fd, dirty, self._synced = self._fd, self._synced != self._records, self._records
        # Outside the lock, as this takes milliseconds; nobody else closes these descriptors meanwhile.
        for old in retired:
            with contextlib.suppress(OSError):
                _sync(old)
            os.close(old)
        if dirty:
            try:
                _sync(fd)
            except OSError as error:
                with self._lock:
                    self._fail(error)

    def close(self) -> None:
        """Write what waits, sync and close. Lines that still cannot be written are counted as lost."""
        with self._lock:
            if self._closed:
                return
            self._retry_at = 0.0
            self.recover()
            self._closed, self._straight_below = True, -1
            self.lost += len(self._backlog) + (self._records if self._misplaced else 0)
            self._backlog.clear()
        self.sync()
        os.close(self._fd)
        if not self._records and self.path.exists() and not self.path.stat().st_size:
            self.path.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Close without writing: for the child of a fork, whose parent owns the files."""
        self._lock = threading.RLock()  # the old one may be held by a thread that does not exist here
        if not self._closed:
            self._closed, self._straight_below = True, -1
            for fd in (*self._retired, self._fd):
                with contextlib.suppress(OSError):
                    os.close(fd)

    def _last_segment(self, unpack: Unpack) -> tuple[Path, int]:
        segments = segments_in(self.folder)
        if not segments:
            return segment_path(self.folder, 1), 0
        last = segments[-1]
        if last.sealed:
            return segment_path(self.folder, last.number + 1), 0
        self.torn_bytes = mend(last.path, unpack)
        return last.path, last.path.read_bytes().count(_NEWLINE)

    def _open(self, path: Path) -> int:
        # Readable too: if the file is removed, its content can still be rescued through the descriptor.
        return os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def _rotate(self) -> None:
        following = segment_path(self.folder, int(self.path.stem) + 1)
        try:
            fd = self._open(following)
        except OSError:
            self._rotate_at = self._records + self._seal_records  # go on with this segment, and try again later
            self._straight_below = self._usual_limit()
            return
        self._retired.append(self._fd)
        self._done += self._records
        full, self.path, self._fd = self.path, following, fd
        self._records, self._synced, self._rotate_at = 0, 0, self._seal_records
        self._straight_below = self._usual_limit()
        self.on_rotated(full)

    def _usual_limit(self) -> int:
        return -1 if self._sync_always else self._rotate_at

    def _append_with_care(self, line: bytes) -> None:
        if self._closed:
            raise ClosedError(f"{self.folder} is closed: nothing more can be written")
        if self._failing is None and self._records >= self._rotate_at:
            self._rotate()
        self._backlog.append(line)
        if len(self._backlog) > self._backlog_lines:
            self._backlog.popleft()
            self.lost += 1
        if self._failing is None or self._clock.monotonic() >= self._retry_at:
            self._drain()

    def _drain(self) -> None:
        """Write what waits in memory."""
        try:
            while self._backlog:
                line = self._backlog[0]
                whole = _NEWLINE + line if self._torn else line  # ends the fragment that could not be taken back
                written = os.write(self._fd, whole)
                if written != len(whole):
                    self._take_back(written)
                    self._fail(_NO_SPACE)
                    return
                self._torn = False
                self._backlog.popleft()
                self._records += 1
            if self._sync_always:
                _sync(self._fd)
        except OSError as error:
            self._fail(error)
            return
        if self._failing is not None:
            self._failing, self._straight_below = None, self._usual_limit()
            self._trouble.ended(self.path, self.lost - self._lost_before)

    def _take_back(self, written: int) -> None:
        """Cut off the part of a line that was written, so that no line is torn."""
        if not written:
            return
        try:
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
        except OSError:
            self._torn = True

    def _fail(self, error: OSError) -> None:
        self._retry_at = self._clock.monotonic() + _RETRY_S
        if self._failing is None:
            self._failing, self._straight_below = error, -1
            self._lost_before = self.lost
            self._trouble.began(self.path, error)

    def _is_gone(self) -> bool:
        try:
            here, there = os.fstat(self._fd), self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:  # not to be seen at present, which is not the same
            return False
        return (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino)

    def _rescue(self) -> None:
        """Put the segment back in its place, with all that it held.

        Until that works the lines go on into the removed file, which lives as long as its descriptor.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            aside = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
            fd = self._open(aside)
            try:
                self._copy(self._fd, fd)
                aside.rename(self.path)
            except OSError:
                os.close(fd)
                aside.unlink(missing_ok=True)
                raise
        except OSError as error:
            if self._misplaced is None:
                self._misplaced = error
                self._trouble.began(self.path, error)
            return
        self._retired.append(self._fd)
        self._fd = fd
        if self._misplaced is None:
            self._trouble.began(self.path, FileNotFoundError(errno.ENOENT, "the file was removed"))
        self._misplaced = None
        self._trouble.ended(self.path, 0)

    @staticmethod
    def _copy(source: int, target: int) -> None:
        offset = 0
        while chunk := os.pread(source, 1 << 20, offset):
            offset += len(chunk)
            while chunk:
                chunk = chunk[os.write(target, chunk) :]
