"""A file that is only extended by complete pieces."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rlvitals.sinks.appending_file import AppendingFile


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Limit the size of files, so that the system writes part of a piece and then fails, like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_an_appended_piece_is_in_the_file_immediately(tmp_path: Path) -> None:
    """No flush is needed, and an existing file is extended."""

    path = tmp_path / "new" / "file"
    first = AppendingFile(path)
    first.append(b"one ")
    assert path.read_bytes() == b"one "
    first.close()
    second = AppendingFile(path)
    second.append(b"two")
    second.close()
    assert (path.read_bytes(), second.size) == (b"one two", 7)


def test_an_incomplete_piece_is_removed(tmp_path: Path) -> None:
    """A full disk leaves complete pieces, and later pieces are appended after them."""

    file = AppendingFile(tmp_path / "file")
    file.append(b"whole.")
    with room_for(10), pytest.raises(OSError, match="too large"):
        file.append(b"too long for that.")
    assert (tmp_path / "file").read_bytes() == b"whole."
    file.append(b"next.")
    file.close()
    assert (tmp_path / "file").read_bytes() == b"whole.next."
