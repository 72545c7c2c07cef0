"""Open only regular files: never a link, a named pipe, a device or a folder that stands in a file's place.

A run folder may come from anywhere. A link in it could make a repair truncate a file outside of the run, and opening a
named pipe blocks until somebody writes to it. Everything that opens a file of a run opens it here. The folder of a run
and the folders above it may be links: the user chose them.
"""

import contextlib
import errno
import itertools
import os
import stat
from pathlib import Path
from typing import BinaryIO

_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)

_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

_asides = itertools.count()


class IrregularFileError(OSError):
    """Something that is not a regular file stands in a file's place, or a link in a folder's place.

    Args:
        path: Where.
        mode: Its `st_mode`.
        wanted: What should be there.
    """

    def __init__(self, path: Path, mode: int, wanted: str = "a regular file") -> None:
        is_link = stat.S_ISLNK(mode)
        kind = _KINDS.get(stat.S_IFMT(mode), "a special file")
        way_out = "replace it with a copy of what it points to" if is_link else "move it out of the run"
        if stat.S_ISDIR(mode):
            super().__init__(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            return
        super().__init__(errno.ELOOP if is_link else errno.EINVAL, f"Is {kind}, not {wanted}: {way_out}", str(path))


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a regular file. Never follows a link at the path itself, and never blocks.

    Args:
        path: The file.
        flags: As for `os.open`; with `os.O_CREAT` the file is created if it is missing.

    Returns:
        The descriptor, which child processes do not inherit.

    Raises:
        IrregularFileError: Something else is at the path.
        OSError: The file cannot be opened.
    """
    with contextlib.suppress(FileNotFoundError):
        _check(path, path.lstat().st_mode)  # before opening, which alone may have an effect on a device
    fd = os.open(path, flags | _SAFE | _BINARY, 0o644)
    try:
        _check(path, os.fstat(fd).st_mode)
    except BaseException:
        os.close(fd)
        raise
    return fd


def reader(path: Path) -> BinaryIO:
    """Open a regular file for reading bytes.

    Raises:
        IrregularFileError: Something else is at the path.
        OSError: The file cannot be opened.
    """
    return os.fdopen(open_regular(path), "rb")


def read_regular(path: Path, most_bytes: int | None = None) -> bytes:
    """Read a whole regular file.

    Args:
        path: The file.
        most_bytes: A larger file is refused without reading it.

    Raises:
        IrregularFileError: Something else is at the path.
        OSError: The file cannot be read, or is too large.
    """
    with reader(path) as file:
        size = os.fstat(file.fileno()).st_size
        if most_bytes is not None and size > most_bytes:
            raise OSError(errno.EFBIG, f"it has {size} bytes, and {most_bytes} is the most", str(path))
        return file.read() if most_bytes is None else file.read(most_bytes)


def begin_file(path: Path) -> BinaryIO:
    """Open a new file for writing. What was at the path is removed first, a link itself and not what it points to.

    Raises:
        OSError: The file cannot be created.
    """
    path.unlink(missing_ok=True)
    return os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb")


def open_appending(path: Path) -> int:
    """Open a regular file for appending; it is created if it is missing, and shared with no other name.

    Returns:
        The descriptor, which child processes do not inherit.

    Raises:
        IrregularFileError: Something else is at the path.
        OSError: The file cannot be opened.
    """
    with contextlib.suppress(FileNotFoundError):
        unshare(path)
    return open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file aside and rename it: readers see the old content or the new, whole.

    Raises:
        OSError: It cannot be written; the old file is unchanged.
    """
    aside = aside_of(path)
    try:
        with begin_file(aside) as file:
            file.write(content)
        aside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def aside_of(path: Path) -> Path:
    """A hidden path next to a file, for content that is renamed to it. No other write of this process has the same."""
    return path.with_name(f".{path.name}.{os.getpid()}.{next(_asides)}.tmp")


def unshare(path: Path) -> None:
    """Give a file that has several names (hard links) a copy of its own, so that a change reaches no other name.

    Raises:
        IrregularFileError: The file is not regular.
        OSError: The copy cannot be written; the file is unchanged.
    """
    if path.lstat().st_nlink > 1:
        replace_file(path, read_regular(path))


def is_regular(path: Path) -> bool:
    """Whether a regular file is at a path; a link to one is not."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is at a path; a link to one is not."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def make_folder(path: Path) -> None:
    """Make a folder and those above it; one that exists is kept, but not a link or a file in its place.

    Raises:
        IrregularFileError: Something else is at the path.
        OSError: The folder cannot be made.
    """
    with contextlib.suppress(FileExistsError):  # what is there may not be a folder
        path.mkdir(parents=True, exist_ok=True)
    mode = path.lstat().st_mode
    if not stat.S_ISDIR(mode):
        raise IrregularFileError(path, mode, "a folder")


def _check(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise IrregularFileError(path, mode)
