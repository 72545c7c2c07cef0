"""Databases of other programs are read without changing them."""

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from rlvitals.formats.importers.sqlite_file import opened_database, tables_of


@pytest.mark.parametrize("is_moved", [True, False])
def test_the_tables_of_a_live_database_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_moved: bool
) -> None:
    """A copy is made only if no table was moved from the log to the file of the database."""
    copies: list[Path] = []
    copyfile = shutil.copyfile

    def counted_copy(file: Path, to: Path) -> None:
        copies.append(file)
        copyfile(file, to)

    monkeypatch.setattr(shutil, "copyfile", counted_copy)
    path = tmp_path / "live.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE metrics (step INTEGER)")
        if is_moved:
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        writer.execute("INSERT INTO metrics VALUES (1)")

        assert (tables_of(path), bool(copies)) == ({"metrics": frozenset({"step"})}, not is_moved)
        with opened_database(path) as database:
            assert database.execute("SELECT step FROM metrics").fetchall() == [(1,)]
