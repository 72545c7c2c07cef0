"""Records as CSV, one file a stream."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.errors import ClosedError
from rlvitals.records import STREAM_OF, Record
from rlvitals.records.coercion import spelled
from rlvitals.records.schema import Column, fields
from rlvitals.sinks.appending import AppendingFile
from rlvitals.sinks.context import RunSink, SinkContext

MAX_COLUMNS = 500
"""Columns of one file, before what is new goes into the column `more`."""
MORE = "more"

_QUOTED = re.compile(r'^$|^\s|\s$|[,"\r\n]')

_log = logging.getLogger("rlvitals")


class CsvSink(RunSink):
    """Writes `episodes.csv`, `updates.csv`, ...: a column for each field, and one for each entry of a flat dict.

    A row is in its file when `write` returns. A column that comes late is added on the right: the file is written anew,
    with nothing lost, and what came before has an empty cell there. A run that goes on appends to its files.

    Args:
        path: The folder of the files; by default `artifacts/csv` in the run's folder.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = None if path is None else Path(path)
        self._tables: dict[type[Record], _Table] = {}
        self._closed = False

    @property
    def name(self) -> str:
        """What users call it."""
        return "csv"

    def begin(self, context: SinkContext) -> None:
        """Take the run's folder, if no other was given."""
        if self._path is None:
            self._path = context.artifacts / "csv"

    def write(self, record: Record) -> None:
        """Append a row.

        Raises:
            ClosedError: The sink is closed.
            OSError: The file cannot be written; the row is not in it.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        kind = type(record)
        if kind not in self._tables:
            folder = self._path or Path()
            self._tables[kind] = _Table(folder / f"{STREAM_OF[kind]}.csv", _plain_columns(kind))
        self._tables[kind].append(_cells(record))

    def close(self) -> None:
        """Let go of the files, in which everything is already."""
        self._closed = True
        for table in self._tables.values():
            table.close()


class _Table:
    """One file: a header, and rows as wide as it.

    Args:
        path: The file.
        columns: Those that it has from the beginning.
    """

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self._path = path
        self._columns: dict[str, None] = {}
        if path.exists():
            _cut_torn_row(path)
            with path.open(encoding="utf-8", newline="") as file:
                header = next(_rows(file), "")
            self._columns = dict.fromkeys(_split(header))
        self._file = AppendingFile(path)
        if not self._columns:
            self._columns = dict.fromkeys(columns)
            self._file.append(_line(self._columns).encode())

    def append(self, cells: dict[str, str]) -> None:
        """Append a row; its cells are ready to be written."""
        new = [name for name in cells if name not in self._columns]
        if new:
            room = MAX_COLUMNS - len(self._columns)
            if len(new) > room:
                beyond = {name: _unquoted(cells.pop(name)) for name in new[max(room, 0) :]}
                cells[MORE] = _cell(msgspec.json.encode(beyond).decode())
            self._widen([name for name in cells if name not in self._columns])
        self._file.append((",".join([cells.get(name, "") for name in self._columns]) + "\n").encode())

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _widen(self, new: list[str]) -> None:
        """Write the file anew, with more columns; whoever reads sees the old one or the new one, whole."""
        if not new:
            return
        columns = self._columns | dict.fromkeys(new)
        aside = self._path.with_name(f".{self._path.name}.tmp")
        with (
            self._path.open(encoding="utf-8", newline="") as old,
            aside.open("w", encoding="utf-8", newline="") as file,
        ):
            rows = _rows(old)
            next(rows)
            file.write(_line(columns))
            file.writelines(row.removesuffix("\n") + "," * len(new) + "\n" for row in rows)
        aside.replace(self._path)
        self._file.close()
        self._file = AppendingFile(self._path)
        self._columns = columns


def _plain_columns(kind: type[Record]) -> tuple[str, ...]:
    """The fields that are columns; a flat dict is as many as it has entries."""
    return tuple(field.name for field in fields(kind) if not field.column.is_dict)


def _cells(record: Record) -> dict[str, str]:
    """A record's cells by column; what is absent has none."""
    cells: dict[str, str] = {}
    for name, column, _ in fields(type(record)):
        value = getattr(record, name)
        if value is None:
            continue
        if column.is_dict:
            cells |= {f"{name}.{key}": _value(entry) for key, entry in value.items()}
        elif column is Column.TREE:
            cells[name] = _cell(msgspec.json.encode(spelled(value)).decode())
        else:
            cells[name] = _value(value)
    return cells


def _value(value: Any) -> str:
    if type(value) is str:
        return _cell(value)
    if type(value) is bool:
        return "true" if value else "false"
    return str(spelled(value))


def _cell(text: str) -> str:
    """Quote a text where it must be; an empty one too, as an empty cell says that there is none."""
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def _unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _line(columns: dict[str, None]) -> str:
    return ",".join(map(_cell, columns)) + "\n"


def _rows(lines: Iterator[str]) -> Iterator[str]:
    """The rows of a file, as they are written: a text in quotes may go over several lines."""
    row = ""
    for line in lines:
        row += line
        if row.count('"') % 2 == 0:
            yield row
            row = ""
    if row:
        yield row


def _split(row: str) -> Iterator[str]:
    """The cells of a row."""
    cell = ""
    for part in row.rstrip("\r\n").split(","):
        cell += part
        if cell.count('"') % 2 == 0:
            yield _unquoted(cell)
            cell = ""
        else:
            cell += ","


def _cut_torn_row(path: Path) -> None:
    """Cut off the end of a file that a power cut left in the middle of a row; the run folder has that record."""
    with path.open("r+b") as file:
        sound = size = 0
        quotes = 0
        for line in file:
            size += len(line)
            quotes += line.count(b'"')
            if quotes % 2 == 0 and line.endswith(b"\n"):
                sound = size
        if sound < size:
            file.truncate(sound)
            _log.warning("%s: %d bytes of a torn row were cut off", path, size - sound)
