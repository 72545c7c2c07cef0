"""Checksums of segments.

A sealed segment contains its checksum in the key-value metadata of the Parquet footer. It is the SHA-256 of the whole
file, computed with the 64 digits of the checksum as zeros. The checksum is therefore copied and renamed with the file
and covers every byte, and other programs can still read the file.

When a run is closed, the checksums of its unsealed segments are written to a file that
`sha256sum -c --ignore-missing` can read. A segment never changes after that, so an entry is valid as long as its
segment exists.
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
"""Key of a second entry. It distinguishes a damaged checksum from a segment without one."""

_BLANK = b"0" * 64
_MEANING = "SHA-256 of this file, computed with its own 64 digits as 0"
# Thrift's compact protocol puts the type (0x18) and the length (64) of the value between the key and the value.
_PLACE = re.compile(KEY.encode() + rb"\x18\x40([0-9a-f]{64})")
_TAIL = 1 << 16
"""Bytes at the end of a file that contain the metadata. The part after it grows by three bytes per column."""
_CHUNK = 1 << 20


class Checked(Enum):
    """Result of comparing a file with its checksum."""

    SOUND = "sound"
    WRONG = "wrong"
    ABSENT = "absent"


METADATA = f"KV_METADATA {{{KEY}: '{_BLANK.decode()}', {NOTE}: '{_MEANING}'}}"
"""Option of DuckDB's `COPY` that reserves space for the checksum."""


def stamp(path: Path) -> None:
    """Write the checksum into a file that was written with space for it (see `METADATA`).

    Raises:
        RunFormatError: The file has no space for a checksum.
        OSError: The file cannot be read or written.
    """
    with path.open("r+b") as file:
        place = _place(file)
        if place is None:
            raise RunFormatError(
                f"{path} has no space for a checksum, because this DuckDB version writes a different footer; "
                "install another version of DuckDB"
            )
        digest = _digest(file, place)
        file.seek(place)
        file.write(digest)


def check(path: Path) -> Checked:
    """Compare a sealed segment with its checksum.

    Returns:
        The result. It is `ABSENT` for a segment that was sealed by a release without checksums.

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
    """Write the checksums of the unsealed segments of a run. No process may append to them afterwards.

    A segment that already has a checksum keeps it, so that later damage is still detected.

    Args:
        layout: Paths of the run.
        but: Segments to leave out because they will be sealed.

    Raises:
        OSError: The checksums could not be written.
    """
    known = read_sums(layout)
    sums: list[str] = []
    for stream in STREAMS:
        for segment in layout.segments(stream):
            if not segment.sealed and segment.path not in but:
                with contextlib.suppress(OSError):  # sealed meanwhile, or unreadable, which `verify` reports
                    digest = known.get(segment.path) or _digest_of_lines(segment.path)
                    sums += [f"{digest}  {stream}/{segment.path.name}\n"] if digest else []
    if sums or known:
        replace_whole(layout.sums, "".join(sums).encode())


def read_sums(layout: Layout) -> dict[Path, str]:
    """Read the SHA-256 of each unsealed segment, in hexadecimal digits. The dict is empty if the run was not closed."""
    try:
        content = read_regular(layout.sums).decode(errors="replace")
    except OSError:
        return {}
    entries = (line.split("  ", 1) for line in content.splitlines() if "  " in line)
    return {layout.path / name: digest for digest, name in entries}


def is_changed(segment: Path, content: bytes, sums: Mapping[Path, str]) -> bool:
    """Return whether the content of an unsealed segment differs from its checksum. Without a checksum, return false."""
    return segment in sums and _sha256(content) != sums[segment]


def _digest_of_lines(segment: Path) -> str:
    """Return the checksum of an unsealed segment; empty for an empty segment, which the next writer can use."""
    content = read_regular(segment)
    return _sha256(content) if content else ""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _tail(file: BinaryIO) -> bytes:
    file.seek(-min(_TAIL, file.seek(0, os.SEEK_END)), os.SEEK_END)
    return file.read()


def _place(file: BinaryIO) -> int | None:
    """Return the offset of the digest. The last match counts, because recorded text can look like a digest."""
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
