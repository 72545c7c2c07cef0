"""Journal of one stream: appends lines to segments. When `append` returns, the operating system has the line.

This module handles write failures such as a full disk, a removed folder or a revoked permission. During a failure the
journal keeps lines in a bounded backlog, retries once per second and counts the lines that it drops. It notifies its
observer once when the failure starts and once when it ends.

A segment has only one writer. A new writer never continues the segment of a previous one, because a background process
of the previous writer can be sealing it.

If a segment cannot be synced to the disk, the journal starts the next segment and rewrites the failed one
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
"""Records in a segment before it is sealed. Reading an open segment of this size takes about 0.1 s."""
BACKLOG_LINES = 10_000
_RETRY_S = 1.0
_PATIENCE_S = 0.1
_NEWLINE = b"\n"


class Journal:
    """Writer that appends lines to the segments of one stream. Any thread and signal handlers can call it.

    Args:
        folder: Folder of the stream; it must exist.
        unpack: Function that decodes a line, to distinguish a torn tail from a whole line.
        clock: Clock for the retries.
        observer: Observer to notify when writing fails and when it works again.
        seal_records: Number of records in a segment before the next one is started.
        backlog_lines: Number of lines kept in memory while writing fails. The oldest lines are dropped first.
        sync_always: Whether each line is synced to the disk before `append` returns.

    Raises:
        OSError: The segment cannot be opened, or the last segment of the previous writer cannot be repaired.
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
        # Re-entrant, because a signal handler can log while its own thread is inside `append`.
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
        # The line being written, its bytes on disk, and the file size before it: an exception that a signal handler
        # raises can arrive immediately before or after the write.
        self._in_flight: tuple[bytes, bytes, int] | None = None
        self._busy = False  # inside the slow path, which a signal handler must not enter a second time
        self._retired: list[tuple[SegmentForcer, int]] = []
        """Segments that receive no more lines, with their number of lines, until they are on the disk."""
        self._closed = False
        # The counts cover all lines since the journal was opened. Those of the segment start at `_segment_began`.
        self._appended = self._segment_began = self._dropped = 0
        self._unpack = unpack
        self._rotate_at = max(1, seal_records)
        # Below this count, lines are written directly to the file; -1 selects the slow path for all lines.
        self._straight_below = self._usual_limit()
        self.path, self.torn_bytes = segment_to_begin(folder, unpack)
        self._fd = opened(self.path)
        self._forcer = SegmentForcer(self._fd, self.path, self._kept_lines)
        self._remember = self._forcer.recent.append

    @property
    def failing(self) -> OSError | None:
        """The current error of writing or syncing lines; `None` if there is none."""
        return self._failing or self._misplaced or self._unsafe

    @property
    def records(self) -> int:
        """The number of records in the last segment."""
        return self._appended - self._segment_began

    @property
    def appended(self) -> int:
        """The number of records written since the journal was opened, without those that the system dropped later."""
        return self._appended - self._dropped

    @property
    def waiting(self) -> int:
        """The number of lines in memory that wait to be written."""
        return len(self._backlog)

    def count_taken(self) -> int:
        """Return the number of records passed to `append` since the journal was opened: written, waiting or lost."""
        while True:  # no lock, so that a reader never keeps a writer waiting
            appended, lost = self.appended, self.lost
            taken = appended + len(self._backlog) + lost
            if (appended, lost) == (self.appended, self.lost):
                return taken

    def is_unsafe(self, segment: Path) -> bool:
        """Return whether a segment might not be on the disk yet, so that it must not be sealed."""
        return any(forcer.path == segment for forcer, _ in list(self._retired))

    def append(self, line: bytes) -> None:
        """Append one line, which ends with a newline. Disk errors never raise.

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
        """Write the lines in memory if a retry is due, and check whether the file was removed from its path.

        Args:
            rescuing: Whether to restore a removed file. Pass false if another writer has taken over the run.
        """
        # Do not wait long: the lock holder can be a signal handler that waits for the caller. The next call retries.
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return
        try:
            if not self._closed and not self._busy:
                self._recover(rescuing=rescuing)
        finally:
            self._lock.release()

    def sync(self) -> None:
        """Sync the written lines to the disk. Only one thread calls this."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return
        try:
            if self._fd < 0:  # closed
                return
            forcer, lines = self._forcer, self.records
            mark = self._mark(forcer, lines) if forcer.is_dirty(lines) else None
            if mark is not None and self._sync_always:  # under the lock, because `append` syncs too
                self._force(forcer, mark)
                mark = None
        finally:
            self._lock.release()
        # Outside the lock, because syncing takes milliseconds. No other thread closes these descriptors meanwhile.
        if mark is not None:
            self._force(forcer, mark)
        if forcer.failed is not None:
            self._retire_failed()
        for retired in list(self._retired):
            self._settle_retired(*retired)
        self._notice_safety()

    def close(self, *, rescuing: bool = True) -> None:
        """Write the lines in memory, sync and close. Lines that still cannot be written are counted as lost.

        Args:
            rescuing: As for `recover`.
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
        # A signal handler can close in the middle of `append`, which must not write to a reused descriptor.
        fd, self._fd = self._fd, -1
        close_quietly(fd)
        for forcer, _ in self._retired:
            if forcer.fd != fd:
                close_quietly(forcer.fd)

    def abandon(self) -> None:
        """Close without writing. The child of a fork calls this, because its parent owns the files."""
        self._lock = threading.RLock()  # a thread that does not exist in this process can hold the old lock
        if not self._closed:
            self._closed, self._straight_below = True, -1
            open_before, self._fd = {self._fd, *(forcer.fd for forcer, _ in self._retired)}, -1
            for fd in open_before:
                close_quietly(fd)

    def _usual_limit(self) -> int:
        return -1 if self._sync_always else self._rotate_at

    def _append_with_care(self, line: bytes) -> None:
        """Append a line through the backlog: the segment is full, writing fails, or each line is synced."""
        if self._closed:
            raise ClosedError(f"cannot write to {self.folder}: the run is closed")
        if len(self._backlog) >= self._backlog_lines:
            # Consecutive statements without a call between them, so that `count_taken` never sees only one of them.
            del self._backlog[0]
            self.lost += 1
        self._backlog.append(line)
        if self._busy:  # this is a signal handler; the code that it interrupted writes this line too
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
            self._rotate_at = self._appended + self._seal_records  # continue with this segment and retry later
            return
        self._retired.append((self._forcer, self.records))
        full, self.path, self._fd = self.path, following, fd
        self._segment_began = self._appended
        self._forcer = SegmentForcer(fd, following, self._kept_lines)
        self._remember = self._forcer.recent.append
        self._rotate_at = self._appended + max(1, self._seal_records)
        self.on_rotated(full)

    def _drain(self) -> None:
        """Write the lines in memory."""
        while self._backlog:
            line = self._backlog[0]
            whole = _NEWLINE + line if self._torn else line  # ends the fragment that could not be truncated
            length = len(whole)
            try:
                self._in_flight = line, whole, os.fstat(self._fd).st_size
                written = os.write(self._fd, whole)
            except OSError as error:
                self._in_flight = None
                self._fail(error)
                return
            if self._closed:  # by a signal handler, which has already handled this line
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
        """Write the remaining bytes of a line. On an error, remove the partial line and return false."""
        while written < len(whole):
            try:
                written += os.write(self._fd, whole[written:])
            except OSError as error:
                self._take_back(written)
                self._fail(error)
                return False
        return True

    def _settle(self) -> None:
        """Determine whether an interrupted write completed, and remove a partial line."""
        if self._in_flight is None:
            return
        line, whole, before = self._in_flight
        if self._backlog and self._backlog[0] is line:
            try:
                written = os.fstat(self._fd).st_size - before
            except OSError:  # the line is written again
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
        """Truncate the file by the written part of a line, so that no line is torn."""
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
        """Sync a segment to the disk. A failure does not stop writing."""
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
        """Start the next segment, so that the segment that could not be synced can be rewritten as a whole."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return
        try:
            if self._closed:
                self._retired.append((self._forcer, self.records))
            # Retire one segment at a time, so that a failing disk does not cause a new segment every second.
            elif not (self._retired or self._busy or self._failing):
                self._rotate_with_care()
        finally:
            self._lock.release()

    def _rotate_with_care(self) -> None:
        """Start the next segment, then write the lines that a signal handler added to the backlog meanwhile."""
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
        """Sync or rewrite a segment that receives no more lines. It stays retired until one of the two succeeds."""
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
        """Notify the observer when all lines are on the disk again."""
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
            # Do not close the old descriptor: its number can belong to another file now.
            self._fd = self._forcer.fd = opened(self.path)

    def _rescue(self) -> None:
        """Restore a removed segment with its whole content.

        Until that works, lines are written to the removed file, which exists as long as its descriptor is open.
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
        self._retired.append((self._forcer, self.records))  # closed by the thread that might be syncing it now
        self._fd, self._forcer = fd, SegmentForcer(fd, self.path, self._kept_lines)
        self._remember = self._forcer.recent.append
        if self._misplaced is None:
            self._observer.restored(self.path)
        else:
            self._misplaced = None
            self._observer.ended(self.path, 0)
