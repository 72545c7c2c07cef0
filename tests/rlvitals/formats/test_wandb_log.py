"""Messages in W&B's log files."""

import struct
import zlib
from pathlib import Path

import pytest

from rlvitals.formats.wandb_log import SIGNATURE, WandbLog

_BLOCK, _HEAD = 32 * 1024, 7


def written(file: Path, *messages: bytes) -> Path:
    """Write messages in LevelDB's log format: parts are full (1), first (2), middle (3) or last (4)."""
    content = SIGNATURE + b"\0"
    for message in messages:
        rest, first = message, True
        while first or rest:
            left = _BLOCK - len(content) % _BLOCK
            if left < _HEAD:
                content += bytes(left)
                continue
            part, rest = rest[: left - _HEAD], rest[left - _HEAD :]
            kind = bytes([{(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}[first, not rest]])
            content += struct.pack("<IHB", zlib.crc32(kind + part), len(part), kind[0]) + part
            first = False
    file.write_bytes(content)
    return file


MESSAGES = (b"a", b"", b"b" * 40_000, b"c" * 100_000, b"d" * 30_000, b"e")


def test_messages_can_span_blocks(tmp_path: Path) -> None:
    log = WandbLog(written(tmp_path / "run.wandb", *MESSAGES))

    assert (tuple(log), log.damaged_at) == (MESSAGES, None)


@pytest.mark.parametrize("size", [8, 20, 32 * 1024, 64 * 1024 + 3, 131_070, -1])
def test_a_truncated_file_has_its_complete_messages(tmp_path: Path, size: int) -> None:
    """The place of the damage is known."""
    file = written(tmp_path / "run.wandb", *MESSAGES)
    file.write_bytes(file.read_bytes()[:size])
    log = WandbLog(file)
    found = tuple(log)

    assert found == MESSAGES[: len(found)]
    assert len(found) < len(MESSAGES)
    assert log.damaged_at is not None


def test_a_wrong_byte_ends_the_messages(tmp_path: Path) -> None:
    file = written(tmp_path / "run.wandb", b"first", b"second")
    file.write_bytes(file.read_bytes().replace(b"second", b"sec0nd"))
    log = WandbLog(file)

    assert (tuple(log), log.damaged_at) == ((b"first",), 7 + 7 + 5)
