"""Reading of SQLite databases of other programs without changing them."""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.importer import head_of

_MAGIC = b"SQLite format 3\x00"
DAMAGE = (sqlite3.Error, UnicodeError)
"""Exceptions of `sqlite3` for a damaged database. Texts that are not UTF-8 are a sign of damage, too."""
LOG_SUFFIX = "-wal"
"""Suffix of the file in which SQLite collects the latest changes of a database."""
_BESIDE = (LOG_SUFFIX, "-journal")
"""Suffixes of files with changes that a running or killed process has not moved to the database."""


@contextlib.contextmanager
def opened_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database for reading. The files at the path are never changed, and no file is created next to them.

    If there are changes in a separate file, a copy of both files is opened, because SQLite would move the changes.

    Args:
        path: Path of the database.

    Raises:
        sqlite3.Error: The file is not a database, or is damaged.
        OSError: The file cannot be read.
    """
    beside = [file for suffix in _BESIDE if (file := path.with_name(path.name + suffix)).is_file()]
    with contextlib.ExitStack() as stack:
        address = _unchanged(path)
        if any(file.stat().st_size for file in beside):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rlvitals-")))
            for file in (path, *beside):
                shutil.copyfile(file, folder / file.name)
            address = f"{(folder / path.name).as_uri()}?mode=rw"
        yield stack.enter_context(contextlib.closing(sqlite3.connect(address, uri=True)))


def is_database(path: Path) -> bool:
    """Return whether a file starts like an SQLite database."""
    return path.is_file() and head_of(path, len(_MAGIC)) == _MAGIC


def tables_of(path: Path) -> dict[str, frozenset[str]] | None:
    """Return the columns of each table in a database. `None` if the file is not a database or is damaged."""
    if not is_database(path):
        return None
    # A database that is being written is copied only if its file has no tables yet.
    with contextlib.suppress(*DAMAGE), contextlib.closing(sqlite3.connect(_unchanged(path), uri=True)) as database:
        if tables := _tables_in(database):
            return tables
    try:
        with opened_database(path) as database:
            return _tables_in(database)
    except (*DAMAGE, OSError):
        return None


def _unchanged(path: Path) -> str:
    """Return the address under which SQLite only reads the file of a database."""
    return f"{path.absolute().as_uri()}?immutable=1"


def _tables_in(database: sqlite3.Connection) -> dict[str, frozenset[str]]:
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = "SELECT name FROM pragma_table_info(?)"
    return {name: frozenset(row[0] for row in database.execute(columns, (name,))) for name in names}


def rows_of_query(database: sqlite3.Connection, query: str, run: str, path: Path) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query about a run, while they are read.

    Args:
        database: Open database.
        query: SQL with one parameter, the run.
        run: Identifier of the run.
        path: Path of the database, for messages.

    Raises:
        ImportFormatError: The database is damaged.
    """
    try:
        for row in database.execute(query, (run,)):  # noqa: UP028 - `yield from` would close the cursor after the database
            yield row
    except DAMAGE as error:
        raise ImportFormatError(f"{path} is damaged: {error}. Import a copy from a backup") from None
