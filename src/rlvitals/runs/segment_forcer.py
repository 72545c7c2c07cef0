"""How much of a segment is on the disk, and what happens when forcing it there fails.

After an error of `fsync` the kernel may have dropped what it could not write, or have marked it as written: that the
next `fsync` succeeds proves nothing. A segment whose `fsync` failed therefore counts as unsafe until all that was
written to it stands in another file, whose own `fsync` succeeded, and which then takes its place.
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
"""Lines kept in memory until they are on the disk; few, so that they stay in the cache of the processor."""
_CHUNK = 1 << 20


class WriteMark(NamedTuple):
    """How far a segment was written at some moment.

    Attributes:
        lines: Lines in the segment.
        size: Bytes in the segment.
        recent: The lines since the mark before; the newest only, if there are very many.
    """

    lines: int
    size: int
    recent: deque[bytes]


class SegmentForcer:
    """Forces one segment to the disk, and writes it again after a failure.

    Args:
        fd: Descriptor of the segment, open for reading and appending.
        path: Where the segment is.
        kept_lines: Lines kept in memory until they are on the disk; if there are more, the oldest are not kept.
    """

    def __init__(self, fd: int, path: Path, kept_lines: int) -> None:
        self.fd = fd
        self.path = path
        self.failed: OSError | None = None
        self.recent: deque[bytes] = deque(maxlen=kept_lines)
        self.is_forced = False  # whether the last attempt worked
        self._named = False  # whether the folder's entry is on the disk
        self._rewritten = False  # whether what is in its place may be ours, if perhaps not on the disk yet
        self._safe_lines = self._safe_size = 0

    def mark(self, lines: int) -> WriteMark:
        """Note how far the segment is written; nobody may write meanwhile, and `recent` is another object then."""
        recent, self.recent = self.recent, deque(maxlen=self.recent.maxlen)
        try:
            size = os.fstat(self.fd).st_size
        except OSError:  # the descriptor was closed by other code, which forcing will report
            size = self._safe_size
        return WriteMark(lines, size, recent)

    def is_dirty(self, lines: int) -> bool:
        """Whether there is something to force: not after a failure, when only writing all again helps."""
        return self.failed is None and (not self._named or lines != self._safe_lines)

    def force(self, mark: WriteMark) -> None:
        """Force what was written before a mark, and the segment's name, to the disk.

        Raises:
            OSError: It may not be on the disk; `fail` must be called.
        """
        force(self.fd)
        if not self._named:
            force_folder(self.path.parent)
            self._named = True
        self.is_forced = True
        self._safe_lines, self._safe_size = mark.lines, mark.size

    def fail(self, error: OSError, mark: WriteMark) -> None:
        """Note that forcing failed; nobody may write meanwhile, and `recent` is another object then."""
        self.recent = deque(itertools.chain(mark.recent, self.recent), maxlen=self.recent.maxlen)
        self.is_forced = False
        if not is_unsupported(error):
            self.failed = error

    def rewrite(self, unpack: Unpack, lines: int) -> int:
        """Replace a segment that nobody appends to any more by a file with the same lines, which is on the disk.

        What had been forced before the failure is on the disk, and is read from there. The rest is what is read back if
        as many lines are whole as were written, or else the lines that were kept in memory.

        Args:
            unpack: Reads a line, so that a torn one can be told from a whole one.
            lines: Lines that were written to the segment.

        Returns:
            The number of lines that are gone.

        Raises:
            OSError: The segment could not be read or written again, and stays unsafe.
        """
        content = self._read()
        safe, rest = content[: self._safe_size], content[self._safe_size :]
        found = [line + b"\n" for line, record in lines_of(rest, unpack) if record is not None]
        wanted = lines - self._safe_lines
        if len(found) < wanted:
            kept = set(self.recent)  # the newest; of the older ones only what is read back is left
            found = [line for line in found if line not in kept] + list(self.recent)
            rest = b"".join(found)
        self._rewritten = True
        replace_whole(self.path, safe + rest)
        self.failed, self.is_forced, self._named = None, True, True
        self._safe_lines = lines
        return max(0, wanted - len(found))

    def is_replaced(self) -> bool:
        """Whether a file of somebody else, or none, is in the segment's place: it is not to be written again."""
        return not self._rewritten and is_gone(self.fd, self.path)

    def _read(self) -> bytes:
        blocks: list[bytes] = []
        at = 0
        while block := os.pread(self.fd, _CHUNK, at):
            blocks.append(block)
            at += len(block)
        return b"".join(blocks)
