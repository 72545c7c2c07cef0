"""Import of SQLite exports."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.export_metadata import metadata_in
from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.formats.importers.sqlite_file import is_database, opened_database, tables_of
from rlvitals.records import STREAMS, Record, codec_of
from rlvitals.records.coercion import NON_FINITE, unspelled
from rlvitals.records.schema import Column, fields
from rlvitals.runs.sql_columns import identifier

_RUN = "run"
"""Table with the metadata of an export."""


class SqliteImporter(Importer):
    """Importer for SQLite exports."""

    def recognises(self, path: Path) -> bool:
        """Return whether the file is a database with the table of an export, or a damaged database."""
        tables = tables_of(path)
        return _RUN in tables if tables is not None else is_database(path)

    def read(self, path: Path) -> Imported:
        """Read the table `run`. The rows of streams are read lazily."""
        with _opened(path) as database:
            said = {
                key: msgspec.json.decode(value) for key, value in database.execute(f"SELECT key, value FROM {_RUN}")
            }
        preamble = metadata_in(said, path)
        records = _records(path, list(preamble.records or {}))
        return Imported(preamble.header.run_id, records, header=preamble.header, counts=preamble.records)


def _records(path: Path, streams: list[str]) -> Iterator[Record]:
    with _opened(path) as database:
        for stream in streams:
            columns = fields(STREAMS[stream])
            from_plain = codec_of(STREAMS[stream]).from_plain
            wanted = ", ".join(identifier(field.name) for field in columns)
            rows = database.execute(f"SELECT {wanted} FROM {identifier(stream)} ORDER BY rowid")
            for number, row in enumerate(rows, 1):
                cells = zip(columns, row, strict=True)
                try:
                    yield from_plain(
                        {f.name: _READ.get(f.column, _same)(value) for f, value in cells if value is not None}
                    )
                except (RecordError, ValueError, TypeError, msgspec.MsgspecError) as error:
                    raise ImportFormatError(f"{path}: row {number} of {stream} is damaged: {error}") from None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with opened_database(path) as database:
            yield database
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        raise ImportFormatError(f"{path} is damaged or not an export of a run: {error}") from None


def _same(value: Any) -> Any:
    return value


def _number(value: Any) -> float:
    return NON_FINITE[value] if isinstance(value, str) else float(value)


def _json(text: str) -> Any:
    return unspelled(msgspec.json.decode(text))


_READ: dict[Column, Callable[[Any], Any]] = {
    Column.NUMBER: _number,
    Column.FLAG: bool,
    Column.VALUES: _json,
    Column.NUMBERS: _json,
    Column.TREE: _json,
    Column.ROWS: _json,
}
