"""Syncing of files and folders to the disk."""

import ctypes
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals.records import Event
from rlvitals.runs.durability import (
    exchange,
    force_folder,
    make_durable_folder,
    put_in_place,
    replace_whole,
    write_whole,
)
from rlvitals.runs.header import Header, write_header
from rlvitals.runs.layout import Layout, claim_folder
from rlvitals.runs.run_writer import RunWriter
from rlvitals.runs.sealing import seal
from rlvitals.runs.torn import keep_aside

Line = Callable[..., bytes]


@pytest.fixture
def forced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Paths that are synced to the disk, in order."""
    seen: list[Path] = []

    def force(fd: int) -> None:
        seen.append(Path(f"/proc/self/fd/{fd}").readlink())

    monkeypatch.setattr(os, "fsync", force)
    monkeypatch.setattr(os, "fdatasync", force)
    return seen


def _fail(monkeypatch: pytest.MonkeyPatch, error: int, *, folders: bool) -> None:
    def fail(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode) == folders:
            raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "fsync", fail)


def test_new_folders_are_synced_from_the_top(tmp_path: Path, forced: list[Path]) -> None:
    """The parent of each new folder is synced. The parent of an existing folder is synced too."""
    make_durable_folder(tmp_path / "a" / "b")
    make_durable_folder(tmp_path / "a" / "b")

    assert forced == [tmp_path, tmp_path / "a", tmp_path / "a"]


def test_a_new_run_is_synced_with_its_folders(tmp_path: Path, forced: list[Path]) -> None:
    """The name of the run is synced first, then the names of its streams."""
    Layout(claim_folder(tmp_path / "logs", "run")).make()

    assert list(dict.fromkeys(forced)) == [tmp_path, tmp_path / "logs", tmp_path / "logs" / "run"]


def test_a_replaced_file_is_synced_before_its_name(tmp_path: Path, forced: list[Path]) -> None:
    """In the opposite order, a power cut could leave a name without content."""
    replace_whole(tmp_path / "file", b"new")

    aside, folder = forced
    assert (aside.parent, aside.name[:6], folder) == (tmp_path, ".file.", tmp_path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"new")]


@pytest.mark.parametrize("what", ["header", "torn", "sealed", "imported"])
def test_each_new_name_is_synced(what: str, layout: Layout, folder: Path, line: Line, forced: list[Path]) -> None:
    """After a file is created in a run, the last sync is the one of its folder."""
    (folder / "000001.jsonl").write_bytes(line(0))
    if what == "header":
        write_header(layout, Header(run_id="run", started=1.0))
    elif what == "torn":
        keep_aside(folder / "000001.jsonl", b"{")
    elif what == "sealed":
        seal(folder / "000001.jsonl")
    else:
        writer = RunWriter(layout.path.parent, "imported")
        writer.write(Event(time=1.0, kind="note", message="hello"))
        writer.finish(Header(run_id="", started=1.0))

    place = {"header": layout.path, "imported": layout.path.parent}.get(what, folder)
    assert forced[-1] == place


@pytest.mark.parametrize("error", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
@pytest.mark.parametrize("folders", [False, True])
def test_files_are_written_on_file_systems_without_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, folders: bool
) -> None:
    """An error that means "not supported" is ignored."""
    _fail(monkeypatch, error, folders=folders)

    replace_whole(tmp_path / "file", b"new")

    assert (tmp_path / "file").read_bytes() == b"new"


@pytest.mark.parametrize("folders", [False, True])
def test_a_failed_sync_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folders: bool) -> None:
    """The caller gets the error and can write the file again."""
    _fail(monkeypatch, errno.EIO, folders=folders)

    with pytest.raises(OSError, match="Input/output error"):
        replace_whole(tmp_path / "file", b"new")


def test_a_folder_without_read_permission_is_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder can be writable without being readable, so this is not an error."""

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)

    force_folder(tmp_path)


def test_a_file_can_be_appended_to(tmp_path: Path, forced: list[Path]) -> None:
    """The file is synced after each write."""
    write_whole(tmp_path / "a", b"one\n")
    write_whole(tmp_path / "a", b"two\n", mode="ab")
    put_in_place(tmp_path / "a", tmp_path / "b")

    assert (tmp_path / "b").read_bytes() == b"one\ntwo\n"
    assert forced == [tmp_path / "a", tmp_path / "a", tmp_path]


@pytest.mark.parametrize("atomic", [True, False])
def test_two_folders_are_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, atomic: bool) -> None:
    """Where the system cannot exchange them, they are renamed one after the other, and no third folder is left."""
    if not atomic:
        monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: None)
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    exchange(tmp_path / "new", tmp_path / "old")

    assert [file.relative_to(tmp_path).as_posix() for file in sorted(tmp_path.rglob("*"))] == [
        "new",
        "new/old",
        "old",
        "old/new",
    ]


def test_a_failed_exchange_keeps_the_folder(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()

    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "missing", tmp_path / "old")
    assert [file.name for file in tmp_path.iterdir()] == ["old"]
