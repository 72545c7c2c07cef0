"""A file that grows by whole pieces."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rlvitals.sinks.appending_file import AppendingFile


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """The system refuses what is beyond a size, as a full disk does: after it has taken what there is room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_was_appended_is_there_at_once(tmp_path: Path) -> None:
    """Without a flush; a file that is there is gone on with."""

    path = tmp_path / "new" / "file"
    first = AppendingFile(path)
    first.append(b"one ")
    assert path.read_bytes() == b"one "
    first.close()
    second = AppendingFile(path)
    second.append(b"two")
    second.close()
    assert (path.read_bytes(), second.size) == (b"one two", 7)


def test_half_a_piece_is_taken_back(tmp_path: Path) -> None:
    """A disk that is full leaves whole pieces; when there is room again, the file goes on behind them."""

    file = AppendingFile(tmp_path / "file")
    file.append(b"whole.")
    with room_for(10), pytest.raises(OSError, match="too large"):
        file.append(b"too long for that.")
    assert (tmp_path / "file").read_bytes() == b"whole."
    file.append(b"next.")
    file.close()
    assert (tmp_path / "file").read_bytes() == b"whole.next."
