"""File operations of a journal: choosing and opening segments, detecting removed files, copying and moving."""

import contextlib
import os
from pathlib import Path

from rlvitals.files.regular_files import IrregularFileError, open_regular
from rlvitals.runs.layout import irregular_in, segment_path, segments_in
from rlvitals.runs.torn import Unpack, mend

_CHUNK = 1 << 20


def segment_to_begin(folder: Path, unpack: Unpack) -> tuple[Path, int]:
    """Repair the last segment of the previous writer, and choose the segment to start.

    Args:
        folder: Folder of the stream.
        unpack: Function that decodes a line, to distinguish a torn tail from a whole line.

    Returns:
        The path of the segment, and the number of bytes truncated from the last segment.

    Raises:
        IrregularFileError: A link or a special file has the name of a segment.
        OSError: The last segment cannot be repaired.
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
    """Open a file for appending. A missing file is created.

    The descriptor is readable too, so that the content of a removed file can be restored through it.

    Raises:
        IrregularFileError: The path is not a regular file.
        OSError: The file cannot be opened.
    """
    return open_regular(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)


def is_dead(fd: int) -> bool:
    """Return whether a descriptor is invalid, because other code closed it or the file server restarted."""
    try:
        os.fstat(fd)
    except OSError:
        return True
    return False


def is_gone(fd: int, path: Path) -> bool:
    """Return whether an open file is no longer the file at its path."""
    try:
        here, there = os.fstat(fd), path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # currently inaccessible, which does not mean that it was removed
        return False
    return (here.st_dev, here.st_ino) != (there.st_dev, there.st_ino)


def copy(source: int, target: int) -> None:
    """Copy the content of one open file into another.

    Raises:
        OSError: Reading or writing fails.
    """
    offset = 0
    while chunk := os.pread(source, _CHUNK, offset):
        offset += len(chunk)
        while chunk:
            chunk = chunk[os.write(target, chunk) :]


def move(path: Path, to: Path) -> None:
    """Rename a file without replacing an existing file.

    Raises:
        OSError: The target exists, or the file cannot be moved.
    """
    try:
        os.link(path, to)
    except OSError:
        if to.exists():
            raise
        path.rename(to)  # a file system without links


def close_quietly(fd: int) -> None:
    """Close a descriptor, ignoring errors."""
    with contextlib.suppress(OSError):
        os.close(fd)
