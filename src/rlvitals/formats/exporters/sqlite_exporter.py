"""Export to a SQLite database with the standard library."""

import contextlib
import math
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.records import STREAMS
from rlvitals.records.csv_cells import json_text
from rlvitals.records.schema import Column, fields
from rlvitals.runs.sql_columns import identifier

RUN_TABLE = "run"


class SqliteExporter(Exporter):
    """Exporter for SQLite: one table per stream with a column for each field, and a table `run` for the header.

    Dicts and nested fields are JSON texts, queried with `SELECT parameters ->> 'mode' FROM episodes`. Missing values
    are NULL, bools are 0 and 1, and infinities are numbers. SQLite has no NaN, so NaN is the text `NaN`; exclude it
    with `WHERE typeof(reward) = 'real'`. Number columns have no declared type because a REAL column would lose the sign
    of -0.0.
    """

    endings: ClassVar[tuple[str, ...]] = (".sqlite", ".sqlite3", ".db")

    def export(self, source: Source, target: Path) -> None:
        """Write the database."""
        with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as database:
            # No reader sees the file before it is complete, so crash safety is unnecessary.
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.execute("BEGIN")
            for stream in source.streams:
                _write(database, source, stream)
            database.execute(f"CREATE TABLE {RUN_TABLE} (key TEXT PRIMARY KEY, value TEXT)")
            said = [(key, msgspec.json.encode(value).decode()) for key, value in source.described().items()]
            database.executemany(f"INSERT INTO {RUN_TABLE} VALUES (?, ?)", said)
            database.execute("COMMIT")


def _write(database: sqlite3.Connection, source: Source, stream: str) -> None:
    columns = fields(STREAMS[stream])
    declared = ", ".join(f"{identifier(field.name)} {_DECLARED.get(field.column, 'TEXT')}" for field in columns)
    database.execute(f"CREATE TABLE {identifier(stream)} ({declared})")
    row: list[tuple[str, Callable[[Any], Any]]] = [
        (field.name, _STORED.get(field.column, json_text)) for field in columns
    ]

    def cells(record: Any) -> list[Any]:
        said = ((getattr(record, name), stored) for name, stored in row)
        return [None if value is None else stored(value) for value, stored in said]

    places = ", ".join("?" * len(columns))
    database.executemany(f"INSERT INTO {identifier(stream)} VALUES ({places})", map(cells, source.records(stream)))


def _number(value: float) -> float | str:
    return "NaN" if math.isnan(value) else value


_DECLARED = {Column.NUMBER: "", Column.COUNT: "INTEGER", Column.FLAG: "INTEGER"}
_STORED: dict[Column, Callable[[Any], Any]] = {
    Column.NUMBER: _number,
    Column.COUNT: int,
    Column.FLAG: int,
    Column.TEXT: str,
}
