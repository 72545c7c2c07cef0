"""Checksums of segments.

A sealed segment carries its own: the SHA-256 of the whole file, computed with its own 64 digits taken as zeros, in the
key-value metadata of the Parquet footer. So it is copied and renamed with the file, cannot be lost or outdated, and
covers every byte; other programs read the file as before.

The checksums of segments that stayed lines are in a file that `sha256sum -c --ignore-missing` reads, once the run is
closed. A segment never changes after that, so an entry is right as long as its segment is there.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Container, Mapping
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from rlvitals.errors import RunFormatError
from rlvitals.files.regular_files import read_regular, reader
from rlvitals.records import STREAMS
from rlvitals.runs.durability import replace_whole
from rlvitals.runs.layout import Layout

KEY = "rlvitals_sha256"
NOTE = "rlvitals_checksum"
"""A second entry, so that a damaged digest is not taken for a segment without one."""

_BLANK = b"0" * 64
_MEANING = "SHA-256 of this file, computed with its own 64 digits as 0"
# Thrift's compact protocol puts the type (0x18) and the length (64) of the value between the key and the value.
_PLACE = re.compile(KEY.encode() + rb"\x18\x40([0-9a-f]{64})")
_TAIL = 1 << 16
"""Bytes at the end of a file that hold the metadata: what follows them grows by three bytes a column."""
_CHUNK = 1 << 20


class Checked(Enum):
    """What a checksum says about its file."""

    SOUND = "sound"
    WRONG = "wrong"
    ABSENT = "absent"


METADATA = f"KV_METADATA {{{KEY}: '{_BLANK.decode()}', {NOTE}: '{_MEANING}'}}"
"""Option of DuckDB's `COPY` that makes room for the checksum."""


def stamp(path: Path) -> None:
    """Write the checksum of a file that was written with room for it (`METADATA`).

    Raises:
        RunFormatError: The file has no room for a checksum.
        OSError: The file cannot be read or written.
    """
    with path.open("r+b") as file:
        place = _place(file)
        if place is None:
            raise RunFormatError(f"{path} has no room for a checksum: this version of DuckDB writes another footer")
        digest = _digest(file, place)
        file.seek(place)
        file.write(digest)


def check(path: Path) -> Checked:
    """Compare a sealed segment with its checksum.

    Returns:
        `ABSENT` for a segment that was sealed by a release without checksums.

    Raises:
        OSError: The file cannot be read.
    """
    with reader(path) as file:
        place = _place(file)
        if place is None:
            tail = _tail(file)
            return Checked.WRONG if KEY.encode() in tail or NOTE.encode() in tail else Checked.ABSENT
        file.seek(place)
        return Checked.SOUND if file.read(len(_BLANK)) == _digest(file, place) else Checked.WRONG


def write_sums(layout: Layout, *, but: Container[Path] = ()) -> None:
    """Write down the checksums of a run's segments that are lines; nobody may append to them any more.

    A segment that has a checksum keeps it, so that damage since then is not taken for its content.

    Args:
        layout: The run's paths.
        but: Segments that are left out, as they are to be sealed.

    Raises:
        OSError: The checksums could not be written.
    """
    known = read_sums(layout)
    sums: list[str] = []
    for stream in STREAMS:
        for segment in layout.segments(stream):
            if not segment.sealed and segment.path not in but:
                with contextlib.suppress(OSError):  # sealed since it was listed, or unreadable, as `verify` will find
                    digest = known.get(segment.path) or _digest_of_lines(segment.path)
                    sums += [f"{digest}  {stream}/{segment.path.name}\n"] if digest else []
    if sums or known:
        replace_whole(layout.sums, "".join(sums).encode())


def read_sums(layout: Layout) -> dict[Path, str]:
    """The SHA-256 of each segment of lines that has one, in hexadecimal digits; none if the run was not closed."""
    try:
        content = read_regular(layout.sums).decode(errors="replace")
    except OSError:
        return {}
    entries = (line.split("  ", 1) for line in content.splitlines() if "  " in line)
    return {layout.path / name: digest for digest, name in entries}


def is_changed(segment: Path, content: bytes, sums: Mapping[Path, str]) -> bool:
    """Whether a segment of lines is known not to hold what was written to it."""
    return segment in sums and _sha256(content) != sums[segment]


def _digest_of_lines(segment: Path) -> str:
    """Nothing for an empty segment, which the next writer may use."""
    content = read_regular(segment)
    return _sha256(content) if content else ""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _tail(file: BinaryIO) -> bytes:
    file.seek(-min(_TAIL, file.seek(0, os.SEEK_END)), os.SEEK_END)
    return file.read()


def _place(file: BinaryIO) -> int | None:
    """Offset of the digest; the last one that looks like it, as a recorded text may look the same."""
    tail = _tail(file)
    found = list(_PLACE.finditer(tail))
    return file.tell() - len(tail) + found[-1].start(1) if found else None


def _digest(file: BinaryIO, place: int) -> bytes:
    digest = hashlib.sha256()
    file.seek(0)
    left = place
    while left and (chunk := file.read(min(_CHUNK, left))):
        digest.update(chunk)
        left -= len(chunk)
    digest.update(_BLANK)
    file.seek(place + len(_BLANK))
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest().encode()
