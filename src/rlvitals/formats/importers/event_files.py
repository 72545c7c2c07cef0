"""TensorBoard event files, and the folders of one training that hold them."""

import functools
import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from rlvitals.formats.importers.importer import head_of
from rlvitals.records.training_parts import is_part
from rlvitals.runs.layout import HEADER

FILES = "*tfevents*"
"""Pattern of the names of event files."""
HPARAMS = "_hparams_/"
"""Prefix of the tags of TensorBoard's table of hyperparameters."""

_MOST_PARTS = 3
"""Number of folder levels of a training with event files: itself, its parts, and their tables of hyperparameters."""
_FRAME = 16
"""Number of bytes around each event: its length and two checksums."""
_HEAD = 256
_VERSION = b"brain.Event:"
"""Beginning of the version in the first event of a file."""
_POLYNOMIAL, _MASK_DELTA = 0x82F63B78, 0xA282EAD8
"""Constants of the checksum: CRC-32C, rotated and shifted."""
_TIME = re.compile(r"\d{9,}\.\d+")
"""Name of the subfolder that `SummaryWriter.add_hparams` of PyTorch creates: the time."""


def event_files(path: Path) -> list[Path]:
    """Return the event files of the training at a path, the oldest first.

    The files of other trainings below the path are left out.
    """
    if path.is_file():
        return [path] if is_event_file(path) else []
    return oldest_first(file for folder in training_folders(path) for file in _files_in(folder))


def trainings_with_events(folder: Path) -> list[Path]:
    """Return the folders of trainings with event files in a folder, without those inside of a run folder."""
    return sorted(set(found_trainings_with_events(folder)))


def found_trainings_with_events(folder: Path) -> Iterator[Path]:
    """Yield the folder of the training of each event file in a folder. A large folder is searched as far as needed."""
    files_of = functools.cache(event_files)
    for file in filter(is_event_file, folder.rglob(FILES)):
        above = [parent for parent in file.parents if parent == folder or folder in parent.parents]
        if not any((parent / HEADER).exists() for parent in above):
            # A file belongs to the outermost training that includes it: `a` for `a/train`.
            yield from [parent for parent in reversed(above[:_MOST_PARTS]) if file in files_of(parent)][:1]


def training_folders(path: Path) -> list[Path]:
    """Return the folders with the event files of one training: a folder, its parts and its tables of hyperparameters.

    The list is empty if the folder only holds trainings. Subfolders with other names are separate trainings.
    """
    below = {file.parent for file in path.glob(f"*/{FILES}") if is_event_file(file)}
    parts = sorted(folder for folder in below if is_part(folder.name) or _has_hparams(folder))
    if not _files_in(path) and (not parts or len(parts) < len(below)):
        return []
    tables = [folder for part in parts for folder in sorted(part.iterdir()) if _has_hparams(folder)]
    return [path, *parts, *tables]


def is_event_file(path: Path) -> bool:
    """Return whether a file starts with the first event of an event file: its length, a checksum and the version."""
    head = head_of(path, _HEAD)
    if len(head) < _FRAME or _masked_crc32c(head[:8]) != struct.unpack("<I", head[8:12])[0]:
        return False
    return _VERSION in head[12 : 12 + struct.unpack("<Q", head[:8])[0]]


def oldest_first(files: Iterable[Path]) -> list[Path]:
    """Sort event files. Their names start with the creation time."""
    return sorted(files, key=lambda file: (file.name, file))


def _files_in(folder: Path) -> list[Path]:
    return [file for file in folder.glob(FILES) if is_event_file(file)]


def _has_hparams(folder: Path) -> bool:
    """Return whether a folder is the one of a table of hyperparameters."""
    return _TIME.fullmatch(folder.name) is not None and any(
        HPARAMS.encode() in head_of(file) for file in _files_in(folder)
    )


def _masked_crc32c(data: bytes) -> int:
    """Return the checksum of a few bytes as in event files. TensorBoard's own function needs its package."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF
