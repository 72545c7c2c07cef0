"""Syncing of files and folders to the disk, so that a power cut cannot undo a reported write.

`fsync` of a file saves its content but not its name. A new or renamed file is durable only after its folder is synced
as well.
"""

import contextlib
import ctypes
import errno
import itertools
import os
from pathlib import Path
from typing import Literal

from rlvitals.files.regular_files import aside_of, begin_file, open_appending

_HERE, _EXCHANGE = -100, 2
"""Linux's `AT_FDCWD` and `RENAME_EXCHANGE`."""

_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EROFS})
"""Errors of file systems that do not support fsync. They do not mean that data was lost."""


def force(fd: int) -> None:
    """Sync the content of an open file to the disk.

    Raises:
        OSError: The content might not be on the disk.
    """
    getattr(os, "fdatasync", os.fsync)(fd)


def force_file(path: Path) -> None:
    """Sync the content of a closed file to the disk. Does nothing on file systems without fsync.

    Raises:
        OSError: The content might not be on the disk.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _force_if_supported(fd)
    finally:
        os.close(fd)


def force_folder(path: Path) -> None:
    """Sync the names in a folder to the disk. Does nothing if folders cannot be synced (Windows, some shares).

    Raises:
        OSError: New names in the folder might not be on the disk.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0))
    except PermissionError:  # a folder with write but without read permission, or Windows
        return
    try:
        _force_if_supported(fd)
    finally:
        os.close(fd)


def is_unsupported(error: OSError) -> bool:
    """Return whether an error means that the file system does not support fsync, rather than that fsync failed."""
    return error.errno in _UNSUPPORTED


def put_in_place(aside: Path, path: Path) -> None:
    """Rename a synced file atomically, replacing any file at the path, and sync the folder.

    Raises:
        OSError: The file could not be renamed, or the new name might not be on the disk.
    """
    aside.replace(path)
    force_folder(path.parent)


def exchange(aside: Path, path: Path) -> None:
    """Exchange two folders of one file system, and sync the names. On Linux, the exchange is atomic.

    Where the system cannot exchange folders, the folder at `path` is missing for a moment.

    Raises:
        OSError: The folders could not be exchanged, or the new names might not be on the disk.
    """
    names = [os.fsencode(each) for each in (aside, path)]
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if rename is None or rename(_HERE, names[0], _HERE, names[1], _EXCHANGE):
        between = aside_of(path)
        path.rename(between)
        try:
            aside.rename(path)
        except OSError:
            between.rename(path)
            raise
        between.rename(aside)
    force_folder(path.parent)


def write_whole(path: Path, content: bytes, *, mode: Literal["wb", "ab"] = "wb") -> None:
    """Write or append to a file and sync its content to the disk. Its name is not synced.

    Raises:
        OSError: The file could not be written or synced.
    """
    with begin_file(path) if mode == "wb" else os.fdopen(open_appending(path), "ab") as file:
        file.write(content)
        file.flush()
        _force_if_supported(file.fileno())


def replace_whole(path: Path, content: bytes) -> None:
    """Replace a file atomically. Readers see the old or the new content, also after a power cut.

    Raises:
        OSError: The file could not be written, or its name might not be on the disk.
    """
    aside = aside_of(path)
    try:
        write_whole(aside, content)
        put_in_place(aside, path)
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def make_durable_folder(path: Path) -> None:
    """Create a folder and its missing parents, and sync their names to the disk.

    The name of an existing folder is synced too, because its creator might have been killed before that.

    Raises:
        OSError: A folder could not be created, or its name might not be on the disk.
    """
    missing = list(itertools.takewhile(lambda folder: not folder.exists(), (path, *path.parents)))
    path.mkdir(parents=True, exist_ok=True)
    for made in reversed(missing or [path]):
        force_folder(made.parent)


def _force_if_supported(fd: int) -> None:
    try:
        os.fsync(fd)
    except OSError as error:
        if not is_unsupported(error):
            raise
