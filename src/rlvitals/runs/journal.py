"""The appending side of one stream: when `append` returns, the line is with the operating system.

What can go wrong goes wrong here: a full disk, a folder that somebody removed, a permission that was taken away. The
journal then keeps lines in a bounded backlog, tries again once a second, counts what it could not keep, and tells its
owner once when writing begins to fail and once when it works again.

A segment has one writer in its life: a writer never goes on with the segment of one before it, which may be sealed at
that moment by a process that outlived its training.

A segment that could not be forced to the disk gets no more lines: the next one is begun, and the first is written again
(`runs.segment_forcer`).
"""

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from rlvitals.clock import Clock
from rlvitals.errors import ClosedError
from rlvitals.runs.durability import make_durable_folder
from rlvitals.runs.journal_files import close_quietly, copy, is_dead, is_gone, move, opened, segment_to_begin
from rlvitals.runs.journal_observer import JournalObserver
from rlvitals.runs.layout import segment_path
from rlvitals.runs.segment_forcer import KEPT_LINES, SegmentForcer, WriteMark
from rlvitals.runs.torn import Unpack

SEAL_RECORDS = 100_000
"""Records in a segment before it is sealed: the open tail is still read in about a tenth of a second."""
BACKLOG_LINES = 10_000
_RETRY_S = 1.0
_PATIENCE_S = 0.1
_NEWLINE = b"\n"


class Journal:
    """Appends lines to the segments of one stream. Safe from any thread, and from a signal handler.

    Args:
        folder: The stream's folder; it must exist.
        unpack: Reads a line, so that a torn end can be told from a whole one.
        clock: Paces the retries.
        observer: Is told when writing fails and when it works again.
        seal_records: Records in a segment before the next one is begun.
        backlog_lines: Lines kept in memory while the disk takes none; the oldest go first.
        sync_always: Whether each line is forced to the disk before `append` returns.

    Raises:
        OSError: The segment cannot be opened, or the last one of the writer before cannot be mended.
    """

    def __init__(
        self,
        folder: Path,
        unpack: Unpack,
        *,
        clock: Clock,
        observer: JournalObserver,
        seal_records: int = SEAL_RECORDS,
        backlog_lines: int = BACKLOG_LINES,
        sync_always: bool = False,
    ) -> None:
        self.folder = folder
        self.lost = 0
        self.on_rotated: Callable[[Path], None] = lambda _: None
        self._clock = clock
        self._observer = observer
        self._seal_records = seal_records
        self._sync_always = sync_always
        # Re-entrant, as a signal handler may log while its own thread is inside `append`.
        self._lock = threading.RLock()
        self._backlog: deque[bytes] = deque()
        self._backlog_lines = max(1, backlog_lines)
        self._kept_lines = min(KEPT_LINES, self._backlog_lines)
        self._failing: OSError | None = None
        self._misplaced: OSError | None = None
        self._unsafe: OSError | None = None
        self._lost_before = 0
        self._retry_at = 0.0
        self._torn = False
        # The line under way, as it is written, and the size of the file before it: an exception that a signal handler
        # raises may come right before the line is written or right behind it.
        self._in_flight: tuple[bytes, bytes, int] | None = None
        self._busy = False  # inside the careful way, which a signal handler must not enter a second time
        self._retired: list[tuple[SegmentForcer, int]] = []
        """Segments that get no more lines, with their lines, until they are on the disk."""
        self._closed = False
        # Counts are of all lines since the journal was opened; the segment's own are those behind its beginning.
        self._appended = self._segment_began = self._dropped = 0
        self._unpack = unpack
        self._rotate_at = max(1, seal_records)
        # Lines go straight to the file below this count; -1 sends them the careful way.
        self._straight_below = self._usual_limit()
        self.path, self.torn_bytes = segment_to_begin(folder, unpack)
        self._fd = opened(self.path)
        self._forcer = SegmentForcer(self._fd, self.path, self._kept_lines)
        self._remember = self._forcer.recent.append

    @property
    def failing(self) -> OSError | None:
        """Why lines cannot be written, or not forced to the disk, at present; `None` if all is well."""
        return self._failing or self._misplaced or self._unsafe

    @property
    def records(self) -> int:
        """Records in the last segment."""
        return self._appended - self._segment_began

    @property
    def appended(self) -> int:
        """Records written since the journal was opened, without those that the disk then dropped."""
        return self._appended - self._dropped

    @property
    def waiting(self) -> int:
        """Lines in memory that wait for the disk."""
        return len(self._backlog)

    def count_taken(self) -> int:
        """Records taken since the journal was opened: written, waiting or lost."""
        while True:  # no lock, so that a reader never keeps a writer waiting
            appended, lost = self.appended, self.lost
            taken = appended + len(self._backlog) + lost
            if (appended, lost) == (self.appended, self.lost):
                return taken

    def is_unsafe(self, segment: Path) -> bool:
        """Whether a segment may not be on the disk yet, so that its lines must stay as they are."""
        return any(forcer.path == segment for forcer, _ in list(self._retired))

    def append(self, line: bytes) -> None:
        """Append one line, which ends with a newline. Never raises for errors of the disk.

        Raises:
            ClosedError: The journal is closed.
        """
        with self._lock:
            if self._appended < self._straight_below:
                try:
                    written = os.write(self._fd, line)
                except OSError as error:
                    self._fail(error)
                else:
                    if written == len(line) or self._write_rest(line, written):
                        self._appended += 1
                        self._remember(line)
                        return
            self._append_with_care(line)

    def recover(self, *, rescuing: bool = True) -> None:
        """Write what waits in memory, if it is time to try again; find out whether the file has gone from its place.

        Args:
            rescuing: Whether a file that has gone is put back. Not so if its place belongs to another writer by now.
        """
        # Not for long: who holds the lock may be in a signal handler that waits for the caller. The next call does it.
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return
        try:
            if not self._closed and not self._busy:
                self._recover(rescuing=rescuing)
        finally:
            self._lock.release()

    def sync(self) -> None:
        """Force what was written to the disk. Called by one thread only."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return
        try:
            if self._fd < 0:  # closed
                return
            forcer, lines = self._forcer, self.records
            mark = self._mark(forcer, lines) if forcer.is_dirty(lines) else None
            if mark is not None and self._sync_always:  # as `append` forces it too
                self._force(forcer, mark)
                mark = None
        finally:
            self._lock.release()
        # Outside the lock, as this takes milliseconds; nobody else closes these descriptors meanwhile.
        if mark is not None:
            self._force(forcer, mark)
        if forcer.failed is not None:
            self._retire_failed()
        for retired in list(self._retired):
            self._settle_retired(*retired)
        self._notice_safety()

    def close(self, *, rescuing: bool = True) -> None:
        """Write what waits, sync and close. Lines that still cannot be written are counted as lost.

        Args:
            rescuing: As in `recover`.
        """
        with self._lock:
            if self._closed:
                return
            self._retry_at, self._busy = 0.0, False
            self._recover(rescuing=rescuing)
            self._closed, self._straight_below = True, -1
            in_place = not is_gone(self._fd, self.path)
            self.lost += len(self._backlog) + (0 if in_place else self.records)
            self._backlog.clear()
        self.sync()
        if in_place and not self.records:
            with contextlib.suppress(OSError):
                if not os.fstat(self._fd).st_size:
                    self.path.unlink()
        # A signal handler may have closed in the middle of `append`, which must not write to a number used anew.
        fd, self._fd = self._fd, -1
        close_quietly(fd)
        for forcer, _ in self._retired:
            if forcer.fd != fd:
                close_quietly(forcer.fd)

    def abandon(self) -> None:
        """Close without writing: for the child of a fork, whose parent owns the files."""
        self._lock = threading.RLock()  # the old one may be held by a thread that does not exist here
        if not self._closed:
            self._closed, self._straight_below = True, -1
            open_before, self._fd = {self._fd, *(forcer.fd for forcer, _ in self._retired)}, -1
            for fd in open_before:
                close_quietly(fd)

    def _usual_limit(self) -> int:
        return -1 if self._sync_always else self._rotate_at

    def _append_with_care(self, line: bytes) -> None:
        """Append a line by way of the backlog: when the segment is full, when nothing can be written, or to sync it."""
        if self._closed:
            raise ClosedError(f"{self.folder} is closed: nothing more can be written")
        if len(self._backlog) >= self._backlog_lines:
            # One after the other, and without a call, so that `count_taken` never sees one of them alone.
            del self._backlog[0]
            self.lost += 1
        self._backlog.append(line)
        if self._busy:  # this is a signal handler; what it interrupted goes on with this line too
            return
        self._busy, self._straight_below = True, -1
        try:
            self._settle()
            if self._failing is None and self._appended >= self._rotate_at:
                self._rotate()
            if self._failing is None or self._clock.monotonic() >= self._retry_at:
                self._drain()
        finally:
            self._busy = False
            if self._failing is None and not self._backlog and not self._closed:
                self._straight_below = self._usual_limit()

    def _rotate(self) -> None:
        following = segment_path(self.folder, int(self.path.stem) + 1)
        try:
            fd = opened(following)
        except OSError:
            self._rotate_at = self._appended + self._seal_records  # go on with this segment, and try again later
            return
        self._retired.append((self._forcer, self.records))
        full, self.path, self._fd = self.path, following, fd
        self._segment_began = self._appended
        self._forcer = SegmentForcer(fd, following, self._kept_lines)
        self._remember = self._forcer.recent.append
        self._rotate_at = self._appended + max(1, self._seal_records)
        self.on_rotated(full)

    def _drain(self) -> None:
        """Write what waits in memory."""
        while self._backlog:
            line = self._backlog[0]
            whole = _NEWLINE + line if self._torn else line  # ends the fragment that could not be taken back
            length = len(whole)
            try:
                self._in_flight = line, whole, os.fstat(self._fd).st_size
                written = os.write(self._fd, whole)
            except OSError as error:
                self._in_flight = None
                self._fail(error)
                return
            if self._closed:  # by a signal handler, which has settled this line
                return
            if written != length and not self._write_rest(whole, written):
                self._in_flight = None
                return
            self._torn = False
            del self._backlog[0]
            self._appended += 1
            self._remember(line)
            self._in_flight = None
        if self._sync_always and self._forcer.is_dirty(self.records):
            self._force(self._forcer, self._mark(self._forcer, self.records))
        if self._failing is not None:
            self._failing = None
            self._observer.ended(self.path, self.lost - self._lost_before)

    def _write_rest(self, whole: bytes, written: int) -> bool:
        """Write what is left of a line, or find out why that cannot be, and take back what was written of it."""
        while written < len(whole):
            try:
                written += os.write(self._fd, whole[written:])
            except OSError as error:
                self._take_back(written)
                self._fail(error)
                return False
        return True

    def _settle(self) -> None:
        """Find out what became of a line whose writing was interrupted."""
        if self._in_flight is None:
            return
        line, whole, before = self._in_flight
        if self._backlog and self._backlog[0] is line:
            try:
                written = os.fstat(self._fd).st_size - before
            except OSError:  # it is tried once more
                written = 0
            if written >= len(whole):
                self._torn = False
                del self._backlog[0]
                self._appended += 1
                self._remember(line)
            else:
                self._take_back(written)
        self._in_flight = None

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
        self._straight_below = -1
        if self._failing is None:
            self._failing = error
            self._lost_before = self.lost
            self._observer.began(self.path, error)

    def _mark(self, forcer: SegmentForcer, lines: int) -> WriteMark:
        mark = forcer.mark(lines)
        if forcer is self._forcer:
            self._remember = forcer.recent.append
        return mark

    def _force(self, forcer: SegmentForcer, mark: WriteMark) -> None:
        """Force a segment to the disk; that this fails is no reason not to write."""
        try:
            forcer.force(mark)
        except OSError as error:
            held = self._lock.acquire(timeout=_PATIENCE_S)
            try:
                forcer.fail(error, mark)
                if forcer is self._forcer:
                    self._remember = forcer.recent.append
            finally:
                if held:
                    self._lock.release()
            self._say_unsafe(forcer.path, error)

    def _retire_failed(self) -> None:
        """Begin the next segment, so that the one that could not be forced can be written again as a whole."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return
        try:
            if self._closed:
                self._retired.append((self._forcer, self.records))
            # One at a time, so that a disk that takes nothing does not get a segment a second.
            elif not (self._retired or self._busy or self._failing):
                self._rotate_with_care()
        finally:
            self._lock.release()

    def _rotate_with_care(self) -> None:
        """Begin the next segment; what a signal handler logs meanwhile goes into the backlog, and is then written."""
        self._busy, self._straight_below = True, -1
        try:
            self._settle()
            self._rotate()
            self._drain()
        finally:
            self._busy = False
            if self._failing is None and not self._backlog and not self._closed:
                self._straight_below = self._usual_limit()

    def _settle_retired(self, forcer: SegmentForcer, lines: int) -> None:
        """Force a segment that gets no more lines to the disk, or write it again; keep it until one of both works."""
        if not forcer.is_replaced():
            if forcer.is_dirty(lines):
                self._force(forcer, self._mark(forcer, lines))
            if forcer.failed is not None:
                try:
                    gone = forcer.rewrite(self._unpack, lines)
                except OSError as error:
                    self._say_unsafe(forcer.path, error)
                    return
                if gone:
                    self._dropped += gone
                    self.lost += gone
                    self._observer.dropped(forcer.path, gone)
        self._retired.remove((forcer, lines))
        if forcer.fd != self._fd:
            close_quietly(forcer.fd)

    def _say_unsafe(self, path: Path, error: OSError) -> None:
        if self._unsafe is None:
            self._unsafe = error
            self._observer.unsafe(path, error)

    def _notice_safety(self) -> None:
        """Say that everything is on the disk again, once it is."""
        forcer = self._forcer
        if self._unsafe is not None and not self._retired and forcer.failed is None and forcer.is_forced:
            self._unsafe = None
            self._observer.safe(self.path)

    def _recover(self, *, rescuing: bool) -> None:
        self._settle()
        if is_dead(self._fd):
            self._reopen()
        elif rescuing and is_gone(self._fd, self.path):
            self._rescue()
        if (self._failing is not None or self._backlog) and self._clock.monotonic() >= self._retry_at:
            self._drain()
            if self._failing is None and not self._backlog:
                self._straight_below = self._usual_limit()

    def _reopen(self) -> None:
        with contextlib.suppress(OSError):
            # The old number may be another file's by now: it is left alone.
            self._fd = self._forcer.fd = opened(self.path)

    def _rescue(self) -> None:
        """Put the segment back in its place, with all that it held.

        Until that works the lines go on into the removed file, which lives as long as its descriptor.
        """
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        try:
            make_durable_folder(self.folder)
            fd = opened(aside)
            try:
                copy(self._fd, fd)
                move(aside, self.path)
            except OSError:
                close_quietly(fd)
                raise
            finally:
                aside.unlink(missing_ok=True)
        except OSError as error:
            if self._misplaced is None:
                self._misplaced = error
                self._observer.began(self.path, error)
            return
        self._retired.append((self._forcer, self.records))  # to be closed by the thread that may be forcing it
        self._fd, self._forcer = fd, SegmentForcer(fd, self.path, self._kept_lines)
        self._remember = self._forcer.recent.append
        if self._misplaced is None:
            self._observer.restored(self.path)
        else:
            self._misplaced = None
            self._observer.ended(self.path, 0)
