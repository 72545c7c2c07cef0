"""Forcing files and their names to the disk, so that a power cut cannot take back what was reported as kept.

`fsync` of a file keeps its content, not its name: a new or renamed file is safe once its folder was forced as well.
"""

import contextlib
import errno
import itertools
import os
from pathlib import Path
from typing import Literal

from rlvitals.files.regular_files import aside_of, begin_file, open_appending

_UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EROFS})
"""Errors of file systems that cannot force anything: nothing was dropped."""


def force(fd: int) -> None:
    """Force the content of an open file to the disk.

    Raises:
        OSError: The content may not be on the disk.
    """
    getattr(os, "fdatasync", os.fsync)(fd)


def force_file(path: Path) -> None:
    """Force the content of a closed file to the disk; does nothing where files cannot be forced.

    Raises:
        OSError: The content may not be on the disk.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _force_if_supported(fd)
    finally:
        os.close(fd)


def force_folder(path: Path) -> None:
    """Force the names in a folder to the disk; does nothing where a folder cannot be forced (Windows, some shares).

    Raises:
        OSError: New names in the folder may not be on the disk.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_DIRECTORY", 0))
    except PermissionError:  # a folder that may be written but not listed, or Windows
        return
    try:
        _force_if_supported(fd)
    finally:
        os.close(fd)


def is_unsupported(error: OSError) -> bool:
    """Whether an error says that the file system cannot force anything, rather than that it failed to."""
    return error.errno in _UNSUPPORTED


def put_in_place(aside: Path, path: Path) -> None:
    """Rename a file whose content is on the disk, replacing what was at the path; the new name survives a power cut.

    Raises:
        OSError: The file could not be renamed, or the new name may not be on the disk.
    """
    aside.replace(path)
    force_folder(path.parent)


def write_whole(path: Path, content: bytes, *, mode: Literal["wb", "ab"] = "wb") -> None:
    """Write a file, or add to it, and force its content to the disk; its name is not forced yet.

    Raises:
        OSError: The file could not be written, or not forced.
    """
    with begin_file(path) if mode == "wb" else os.fdopen(open_appending(path), "ab") as file:
        file.write(content)
        file.flush()
        _force_if_supported(file.fileno())


def replace_whole(path: Path, content: bytes) -> None:
    """Replace a file at once: a reader, and whoever comes after a power cut, sees the old content or the new one.

    Raises:
        OSError: It could not be written, or its name may not be on the disk.
    """
    aside = aside_of(path)
    try:
        write_whole(aside, content)
        put_in_place(aside, path)
    finally:
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def make_durable_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing; their names survive a power cut.

    The name of a folder that is there already is forced too: whoever made it may have been killed before that.

    Raises:
        OSError: A folder could not be made, or its name may not be on the disk.
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
