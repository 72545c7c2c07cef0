"""Repair of torn segments, whose tail is incomplete after a kill, a full disk or a power cut."""

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
    """Find the end of the whole lines of an open segment.

    Args:
        content: Content of the segment.
        unpack: Function that decodes a line and raises `RecordError` for a torn line.

    Returns:
        The offset after the last readable line, in bytes. The torn tail starts there.
    """
    end = content.rfind(b"\n") + 1
    while end:
        start = content.rfind(b"\n", 0, end - 1) + 1
        if is_whole(content[start:end], unpack):
            break
        end = start
    return end


def is_whole(line: bytes, unpack: Unpack) -> bool:
    """Return whether a line is a whole record."""
    try:
        unpack(line)
    except RecordError:
        return False
    return True


def keep_aside(segment: Path, fragment: bytes) -> Path:
    """Append a torn fragment of a segment to its `.torn` file, sync it to the disk, and return the path of that file.

    Raises:
        OSError: The fragment could not be written. The segment must not be truncated then.
    """
    aside = segment.with_suffix(TORN)
    write_whole(aside, fragment if fragment.endswith(b"\n") else fragment + b"\n", mode="ab")
    force_folder(aside.parent)
    return aside


def mend(segment: Path, unpack: Unpack) -> int:
    """Truncate the torn tail of an open segment, and keep the tail in the `.torn` file.

    A segment with several hard links is replaced with a copy first, so that only the file of the run is truncated.

    Returns:
        The number of bytes that were truncated; 0 if the segment was whole.

    Raises:
        IrregularFileError: The segment is not a regular file.
        OSError: The segment could not be repaired.
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
    """Yield the lines of a segment, each with its record, or `None` if it is torn or has no newline."""
    *ended, rest = content.split(b"\n")
    for line in filter(None, ended):
        try:
            yield line, unpack(line)
        except RecordError:
            yield line, None
    if rest:
        yield rest, None
