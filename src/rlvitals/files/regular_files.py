"""Safe opening of files: only regular files, never a link, a named pipe, a device or a folder.

A run folder can come from an untrusted source. With a link in it, a repair could truncate a file outside the run, and
opening a named pipe blocks until another process writes to it. All code that opens a file of a run uses this module.
The run folder and its parent folders can be links, because the user chose them.
"""

import contextlib
import errno
import itertools
import os
import re
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
_ASIDE = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)\.\d+\.tmp")
"""Names from `aside_of`."""


class IrregularFileError(OSError):
    """A path is not a regular file, or is a link instead of a folder.

    Args:
        path: Path that was checked.
        mode: Value of `st_mode` of the path.
        wanted: Expected kind of file, as it appears in the message.
    """

    def __init__(self, path: Path, mode: int, wanted: str = "a regular file") -> None:
        is_link = stat.S_ISLNK(mode)
        kind = _KINDS.get(stat.S_IFMT(mode), "a special file")
        way_out = "replace it with a copy of its target" if is_link else "move it out of the run"
        if stat.S_ISDIR(mode):
            super().__init__(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            return
        super().__init__(errno.ELOOP if is_link else errno.EINVAL, f"Is {kind}, not {wanted}: {way_out}", str(path))


def open_regular(path: Path, flags: int = os.O_RDONLY) -> int:
    """Open a regular file. A link at the path itself is not followed, and the call never blocks.

    Args:
        path: File to open.
        flags: Flags for `os.open`. With `os.O_CREAT` the file is created if it is missing.

    Returns:
        The file descriptor, which child processes do not inherit.

    Raises:
        IrregularFileError: The path is not a regular file.
        OSError: The file cannot be opened.
    """
    with contextlib.suppress(FileNotFoundError):
        _check(path, path.lstat().st_mode)  # check first, because opening a device can have side effects
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
        IrregularFileError: The path is not a regular file.
        OSError: The file cannot be opened.
    """
    return os.fdopen(open_regular(path), "rb")


def read_regular(path: Path, most_bytes: int | None = None) -> bytes:
    """Read a whole regular file.

    Args:
        path: File to read.
        most_bytes: Size limit in bytes. A larger file is not read.

    Raises:
        IrregularFileError: The path is not a regular file.
        OSError: The file cannot be read, or is larger than the limit.
    """
    with reader(path) as file:
        size = os.fstat(file.fileno()).st_size
        if most_bytes is not None and size > most_bytes:
            raise OSError(errno.EFBIG, f"the file has {size} bytes; the limit is {most_bytes}", str(path))
        return file.read() if most_bytes is None else file.read(most_bytes)


def begin_file(path: Path) -> BinaryIO:
    """Create a new file for writing. An existing file or link at the path is removed first; the link target is kept.

    Raises:
        OSError: The file cannot be created.
    """
    path.unlink(missing_ok=True)
    return os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb")


def open_appending(path: Path) -> int:
    """Open a regular file for appending. A missing file is created, and a file with several hard links is copied first.

    Returns:
        The file descriptor, which child processes do not inherit.

    Raises:
        IrregularFileError: The path is not a regular file.
        OSError: The file cannot be opened.
    """
    with contextlib.suppress(FileNotFoundError):
        unshare(path)
    return open_regular(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file atomically: write a temporary file and rename it. Readers see the whole old or new content.

    Raises:
        OSError: The file cannot be written. The old file is unchanged.
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
    """Return a temporary hidden path next to a file. Each call in this process returns a different path."""
    return path.with_name(f".{path.name}.{os.getpid()}.{next(_asides)}.tmp")


def origin_of_aside(aside: Path) -> tuple[Path, int] | None:
    """Return the path and the process ID from which `aside_of` made a name. `None` for any other name."""
    found = _ASIDE.fullmatch(aside.name)
    return None if found is None else (aside.with_name(found["name"]), int(found["pid"]))


def unshare(path: Path) -> None:
    """Replace a file that has several hard links with a copy, so that a change does not affect the other names.

    Raises:
        IrregularFileError: The path is not a regular file.
        OSError: The copy cannot be written. The file is unchanged.
    """
    if path.lstat().st_nlink > 1:
        replace_file(path, read_regular(path))


def is_regular(path: Path) -> bool:
    """Return whether the path is a regular file. A link to a file is not."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Return whether the path is a folder. A link to a folder is not."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def make_folder(path: Path) -> None:
    """Create a folder and its missing parents. An existing folder is kept; a link or file at the path is refused.

    Raises:
        IrregularFileError: The path is not a folder.
        OSError: The folder cannot be created.
    """
    with contextlib.suppress(FileExistsError):  # a file can be at the path; the check below reports it
        path.mkdir(parents=True, exist_ok=True)
    mode = path.lstat().st_mode
    if not stat.S_ISDIR(mode):
        raise IrregularFileError(path, mode, "a folder")


def _check(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise IrregularFileError(path, mode)
