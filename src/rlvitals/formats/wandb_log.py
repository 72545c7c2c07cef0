"""Log files of W&B (`run-*.wandb`): messages in the log format of LevelDB, each part with a checksum."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlvitals.sinks.lazy_destination import load

SIGNATURE = b":W&B\xe1\xbe"
"""First bytes of a file. The next byte is the version of the format."""

_BLOCK, _HEAD = 32 * 1024, 7
_LAST_PARTS = {1, 4}


class WandbLog:
    """The messages of a file, read lazily. A message can span several blocks.

    Args:
        file: Path of the file.

    Attributes:
        damaged_at: Offset of the first byte that could not be read, after the messages were read. `None` for an intact
            file. A killed process leaves a truncated message at the end.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.damaged_at: int | None = None

    def __iter__(self) -> Iterator[bytes]:
        """Yield the messages before the first damage.

        Raises:
            OSError: The file cannot be read.
        """
        self.damaged_at = None
        message, begins, place, is_cut = b"", 0, _HEAD, False
        with self._file.open("rb") as content:
            while block := content.read(_BLOCK):
                while place + _HEAD <= len(block):
                    checksum, length, kind = struct.unpack_from("<IHB", block, place)
                    part = block[place + _HEAD : place + _HEAD + length]
                    if len(part) < length or zlib.crc32(part, zlib.crc32(bytes([kind]))) != checksum:
                        self.damaged_at = begins + place
                        return
                    place += _HEAD + length
                    message += part
                    if kind in _LAST_PARTS:  # complete message, or its last part
                        yield message
                        message = b""
                is_cut = place < len(block) < _BLOCK
                begins, place = begins + len(block), 0
        if message or is_cut:
            self.damaged_at = begins


def wandb_record() -> Any:
    """Return the class of the messages, from the package of W&B."""
    # Type checkers cannot see protobuf's generated classes.
    return vars(load("wandb.proto.wandb_internal_pb2"))["Record"]
