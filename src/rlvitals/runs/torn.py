"""Torn segments: what a kill, a full disk or a power cut left half written."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rlvitals.errors import RecordError
from rlvitals.files.regular_files import open_regular, read_regular, unshare
from rlvitals.runs.durability import force_folder, write_whole
from rlvitals.runs.layout import TORN

Unpack = Callable[[bytes], Any]


def whole_until(content: bytes, unpack: Unpack) -> int:
    """Find where the whole lines of an open segment end.

    Args:
        content: The segment's bytes.
        unpack: Reads a line; raises `RecordError` for one that is not whole.

    Returns:
        The offset behind the last line that can be read; what follows is torn.
    """
    end = content.rfind(b"\n") + 1
    while end:
        start = content.rfind(b"\n", 0, end - 1) + 1
        if is_whole(content[start:end], unpack):
            break
        end = start
    return end


def is_whole(line: bytes, unpack: Unpack) -> bool:
    """Whether a line is a whole record."""
    try:
        unpack(line)
    except RecordError:
        return False
    return True


def keep_aside(segment: Path, fragment: bytes) -> Path:
    """Append what is cut off a segment to the file that keeps it, force it to the disk, and return that file's path.

    Raises:
        OSError: It could not be kept; the segment must not be cut then.
    """
    aside = segment.with_suffix(TORN)
    write_whole(aside, fragment if fragment.endswith(b"\n") else fragment + b"\n", mode="ab")
    force_folder(aside.parent)
    return aside


def mend(segment: Path, unpack: Unpack) -> int:
    """Cut the torn end off an open segment, and keep it aside.

    Only the run's own file is cut: a segment with several names (hard links) is replaced by a copy first.

    Returns:
        The number of bytes cut off; 0 if the segment was whole.

    Raises:
        IrregularFileError: The segment is not a regular file.
        OSError: The segment could not be mended.
    """
    content = read_regular(segment)
    end = whole_until(content, unpack)
    if end < len(content):
        keep_aside(segment, content[end:])
        unshare(segment)
        with os.fdopen(open_regular(segment, os.O_RDWR), "r+b") as file:
            file.truncate(end)
    return len(content) - end


def lines_of(content: bytes, unpack: Unpack) -> Iterator[tuple[bytes, Any]]:
    """The lines of a segment, each with its record, or `None` if it is torn; a line without its end is."""
    *ended, rest = content.split(b"\n")
    for line in filter(None, ended):
        try:
            yield line, unpack(line)
        except RecordError:
            yield line, None
    if rest:
        yield rest, None
