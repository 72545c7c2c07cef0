"""Files that a journal holds open: how they are begun, whether they are still in their place, how they are moved."""

import contextlib
import os
from pathlib import Path

from rlvitals.files.regular_files import IrregularFileError, open_regular
from rlvitals.runs.layout import irregular_in, segment_path, segments_in
from rlvitals.runs.torn import Unpack, mend

_CHUNK = 1 << 20


def segment_to_begin(folder: Path, unpack: Unpack) -> tuple[Path, int]:
    """Mend what the writer before left, and choose the segment to begin.

    Args:
        folder: The stream's folder.
        unpack: Reads a line, so that a torn end can be told from a whole one.

    Returns:
        The segment, and the bytes that were cut off the last one.

    Raises:
        IrregularFileError: A link or a special file has the name of a segment.
        OSError: The last segment cannot be mended.
    """
    for irregular in irregular_in(folder):
        raise IrregularFileError(irregular, irregular.lstat().st_mode)
    segments = segments_in(folder)
    if not segments:
        return segment_path(folder, 1), 0
    last, torn_bytes = segments[-1], 0
    with contextlib.suppress(FileNotFoundError):  # sealed since it was listed
        if not last.sealed:
            seen = last.path.lstat()
            if not seen.st_size and seen.st_nlink == 1:
                return last.path, 0
            torn_bytes = mend(last.path, unpack)
    return segment_path(folder, last.number + 1), torn_bytes


def opened(path: Path) -> int:
    """Open a file for appending; it is made if it is not there.

    Readable too: if the file is removed, its content can still be rescued through the descriptor.

    Raises:
        IrregularFileError: Something that is not a regular file is there.
        OSError: It cannot be opened.
    """
    return open_regular(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)


def is_dead(fd: int) -> bool:
    """Whether a descriptor is none any more: closed by other code, or of a file server that was started anew."""
    try:
        os.fstat(fd)
    except OSError:
        return True
    return False


def is_gone(fd: int, path: Path) -> bool:
    """Whether an open file is no longer what is at its path."""
    try:
        here, there = os.fstat(fd), path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # not to be seen at present, which is not the same
        return False
    return (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino)


def copy(source: int, target: int) -> None:
    """Copy one open file into another.

    Raises:
        OSError: It cannot be read, or written.
    """
    offset = 0
    while chunk := os.pread(source, _CHUNK, offset):
        offset += len(chunk)
        while chunk:
            chunk = chunk[os.write(target, chunk) :]


def move(path: Path, to: Path) -> None:
    """Rename a file, but never replace what somebody else has put there.

    Raises:
        OSError: There is something, or the file cannot be moved.
    """
    try:
        os.link(path, to)
    except OSError:
        if to.exists():
            raise
        path.rename(to)  # a file system without links


def close_quietly(fd: int) -> None:
    """Close a descriptor, whatever it is by now."""
    with contextlib.suppress(OSError):
        os.close(fd)
