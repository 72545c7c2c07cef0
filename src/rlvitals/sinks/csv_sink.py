"""Records as CSV, one file a stream."""

import io
import logging
import os
from pathlib import Path
from typing import TextIO

from rlvitals.errors import ClosedError
from rlvitals.files.regular_files import aside_of, begin_file, make_folder, open_regular, reader, unshare
from rlvitals.records import STREAM_OF, Record
from rlvitals.records.csv_cells import cells_in, cells_of, json_text, plain_columns, quoted, row_of, rows_in, unquoted
from rlvitals.sinks.appending_file import AppendingFile
from rlvitals.sinks.sink_context import RunSink, SinkContext

MAX_COLUMNS = 500
"""Columns of one file, before what is new goes into the column `more`."""
MORE = "more"

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
        self._in_run = False
        self._closed = False

    @property
    def name(self) -> str:
        """What users call it."""
        return "csv"

    def begin(self, context: SinkContext) -> None:
        """Take the run's folder, if no other was given."""
        if self._path is None:
            self._in_run = True
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
            if self._in_run:
                make_folder(folder)
            self._tables[kind] = _Table(folder / f"{STREAM_OF[kind]}.csv", plain_columns(kind))
        self._tables[kind].append(cells_of(record))

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
            with _text(path) as file:
                header = next(rows_in(file), "")
            self._columns = dict.fromkeys(map(unquoted, cells_in(header)))
        self._file = AppendingFile(path)
        if not self._columns:
            self._columns = dict.fromkeys(columns)
            self._file.append(row_of(self._columns).encode())

    def append(self, cells: dict[str, str]) -> None:
        """Append a row; its cells are ready to be written."""
        new = [name for name in cells if name not in self._columns]
        if new:
            room = MAX_COLUMNS - len(self._columns)
            if len(new) > room:
                beyond = {name: unquoted(cells.pop(name)) for name in new[max(room, 0) :]}
                cells[MORE] = quoted(json_text(beyond))
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
        aside = aside_of(self._path)
        with _text(self._path) as old, io.TextIOWrapper(begin_file(aside), encoding="utf-8", newline="") as file:
            rows = rows_in(old)
            next(rows)
            file.write(row_of(columns))
            file.writelines(row.removesuffix("\n") + "," * len(new) + "\n" for row in rows)
        aside.replace(self._path)
        self._file.close()
        self._file = AppendingFile(self._path)
        self._columns = columns


def _text(path: Path) -> TextIO:
    return io.TextIOWrapper(reader(path), encoding="utf-8", newline="")


def _cut_torn_row(path: Path) -> None:
    """Cut off the end of a file that a power cut left in the middle of a row; the run folder has that record."""
    unshare(path)
    with os.fdopen(open_regular(path, os.O_RDWR), "r+b") as file:
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
