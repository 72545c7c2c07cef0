"""Syncing of a segment to the disk, and recovery after a failed sync.

After a failed `fsync` the kernel can drop the data that it could not write, or mark it as written. A later successful
`fsync` therefore proves nothing. A segment whose `fsync` failed counts as unsafe until its lines are rewritten to a new
file, that file is synced successfully, and it replaces the segment.
"""

import itertools
import os
from collections import deque
from pathlib import Path
from typing import NamedTuple

from rlvitals.runs.durability import force, force_folder, is_unsupported, replace_whole
from rlvitals.runs.journal_files import is_gone
from rlvitals.runs.torn import Unpack, lines_of

KEPT_LINES = 1_000
"""Number of lines kept in memory until they are on the disk. It is small, so that they stay in the processor cache."""
_CHUNK = 1 << 20


class WriteMark(NamedTuple):
    """Length of a segment at one point in time.

    Attributes:
        lines: Number of lines in the segment.
        size: Size of the segment, in bytes.
        recent: Lines since the previous mark; only the newest if there are more than the limit.
    """

    lines: int
    size: int
    recent: deque[bytes]


class SegmentForcer:
    """Syncs one segment to the disk, and rewrites it after a failure.

    Args:
        fd: Descriptor of the segment, open for reading and appending.
        path: Path of the segment.
        kept_lines: Maximum number of lines kept in memory until they are on the disk. The oldest are dropped first.
    """

    def __init__(self, fd: int, path: Path, kept_lines: int) -> None:
        self.fd = fd
        self.path = path
        self.failed: OSError | None = None
        self.recent: deque[bytes] = deque(maxlen=kept_lines)
        self.is_forced = False  # whether the last attempt succeeded
        self._named = False  # whether the name in the folder is on the disk
        self._rewritten = False  # whether the file at the path can be our rewritten one
        self._safe_lines = self._safe_size = 0

    def mark(self, lines: int) -> WriteMark:
        """Record the current length of the segment. No thread may write meanwhile. `recent` is replaced."""
        recent, self.recent = self.recent, deque(maxlen=self.recent.maxlen)
        try:
            size = os.fstat(self.fd).st_size
        except OSError:  # other code closed the descriptor, which the sync reports
            size = self._safe_size
        return WriteMark(lines, size, recent)

    def is_dirty(self, lines: int) -> bool:
        """Return whether there is data to sync. After a failure there is not, because only a rewrite helps."""
        return self.failed is None and (not self._named or lines != self._safe_lines)

    def force(self, mark: WriteMark) -> None:
        """Sync the lines before a mark, and the name of the segment, to the disk.

        Raises:
            OSError: The lines might not be on the disk. The caller must call `fail`.
        """
        force(self.fd)
        if not self._named:
            force_folder(self.path.parent)
            self._named = True
        self.is_forced = True
        self._safe_lines, self._safe_size = mark.lines, mark.size

    def fail(self, error: OSError, mark: WriteMark) -> None:
        """Record a failed sync. No thread may write meanwhile. `recent` is replaced."""
        self.recent = deque(itertools.chain(mark.recent, self.recent), maxlen=self.recent.maxlen)
        self.is_forced = False
        if not is_unsupported(error):
            self.failed = error

    def rewrite(self, unpack: Unpack, lines: int) -> int:
        """Replace a segment that receives no more lines with a new file that has the same lines and is synced.

        Lines that were synced before the failure are on the disk and are read from there. The later lines are read back
        too if all of them are whole; otherwise they are taken from memory.

        Args:
            unpack: Function that decodes a line, to distinguish a torn line from a whole one.
            lines: Number of lines that were written to the segment.

        Returns:
            The number of lost lines.

        Raises:
            OSError: The segment could not be read or rewritten, and stays unsafe.
        """
        content = self._read()
        safe, rest = content[: self._safe_size], content[self._safe_size :]
        found = [line + b"\n" for line, record in lines_of(rest, unpack) if record is not None]
        wanted = lines - self._safe_lines
        if len(found) < wanted:
            kept = set(self.recent)  # the newest lines; older lines remain only if they can be read back
            found = [line for line in found if line not in kept] + list(self.recent)
            rest = b"".join(found)
        self._rewritten = True
        replace_whole(self.path, safe + rest)
        self.failed, self.is_forced, self._named = None, True, True
        self._safe_lines = lines
        return max(0, wanted - len(found))

    def is_replaced(self) -> bool:
        """Return whether the path has another file or none, so that the segment must not be rewritten."""
        return not self._rewritten and is_gone(self.fd, self.path)

    def _read(self) -> bytes:
        blocks: list[bytes] = []
        at = 0
        while block := os.pread(self.fd, _CHUNK, at):
            blocks.append(block)
            at += len(block)
        return b"".join(blocks)
