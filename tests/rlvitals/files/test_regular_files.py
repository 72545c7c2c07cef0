"""Safe opening of regular files."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals.files import regular_files
from rlvitals.files.regular_files import (
    IrregularFileError,
    aside_of,
    begin_file,
    make_folder,
    open_regular,
    origin_of_aside,
    read_regular,
    unshare,
)


def _link(path: Path) -> None:
    (path.parent / "outside").write_bytes(b"mine")
    path.symlink_to(path.parent / "outside")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


IRREGULAR: dict[str, Callable[[Path], None]] = {
    "a symbolic link": _link,
    "a named pipe": os.mkfifo,
    "a socket": _socket,
    "a directory": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR | os.O_APPEND | os.O_CREAT], ids=["read", "append"])
@pytest.mark.parametrize("kind", IRREGULAR)
def test_an_irregular_file_is_refused_without_blocking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, flags: int
) -> None:
    """Links are not followed, and the call does not wait for the other end of a pipe."""
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    path = Path("file")
    IRREGULAR[kind](path)

    with pytest.raises(IrregularFileError, match=f"Is {kind}"):
        open_regular(path, flags)


def test_a_path_that_is_replaced_after_the_check_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The open file is checked again, and its descriptor is closed."""
    os.mkfifo(tmp_path / "file")
    (tmp_path / "before").touch()
    before, looked = (tmp_path / "before").lstat(), Path.lstat
    monkeypatch.setattr(Path, "lstat", lambda path: before if path.name == "file" else looked(path))
    open_files = len(list(Path("/proc/self/fd").iterdir()))

    with pytest.raises(IrregularFileError):
        open_regular(tmp_path / "file")
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """Only its size is checked. Here it is a sparse file of 1 TiB."""
    (tmp_path / "file").touch()
    os.truncate(tmp_path / "file", 1 << 40)

    with pytest.raises(OSError, match="the file has 1099511627776 bytes; the limit is 100"):
        read_regular(tmp_path / "file", 100)


def test_a_new_file_replaces_a_link_and_not_its_target(tmp_path: Path) -> None:
    """This protects temporary files, whose names can be guessed."""
    _link(tmp_path / "file")
    with begin_file(tmp_path / "file") as file:
        file.write(b"new")

    assert (tmp_path / "outside").read_bytes() == b"mine"
    assert read_regular(tmp_path / "file") == b"new"


def test_a_change_of_an_unshared_file_does_not_affect_its_other_name(tmp_path: Path) -> None:
    """A file with only one name is not copied."""
    (tmp_path / "outside").write_bytes(b"mine")
    os.link(tmp_path / "outside", tmp_path / "file")
    unshare(tmp_path / "file")
    unshared = (tmp_path / "file").stat().st_ino
    unshare(tmp_path / "file")
    os.truncate(tmp_path / "file", 1)

    assert (tmp_path / "outside").read_bytes() == b"mine"
    assert (tmp_path / "file").stat().st_ino == unshared


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    """An existing folder is accepted."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "outside")

    make_folder(tmp_path / "outside")
    with pytest.raises(IrregularFileError, match="Is a symbolic link, not a folder"):
        make_folder(tmp_path / "link")


def test_links_are_refused_on_systems_without_posix_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows does not have O_NOFOLLOW and O_NONBLOCK."""
    monkeypatch.setattr(regular_files, "_SAFE", 0)
    _link(tmp_path / "file")

    with pytest.raises(IrregularFileError):
        open_regular(tmp_path / "file")


def test_a_temporary_path_names_its_origin(tmp_path: Path) -> None:
    """It has the path and the process that is going to rename it."""
    assert origin_of_aside(aside_of(tmp_path / "a.5")) == (tmp_path / "a.5", os.getpid())
    assert origin_of_aside(tmp_path / ".a.5.tmp") is None
