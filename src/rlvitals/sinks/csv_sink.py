"""Sink that writes records to CSV files, one file per stream."""

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
"""Maximum number of columns in a file. Values of further names go into the column `more`."""
MORE = "more"

_log = logging.getLogger("rlvitals")


class CsvSink(RunSink):
    """Writes `episodes.csv`, `updates.csv`, ... with a column for each field and each entry of a flat dict.

    A row is in its file when `write` returns. New columns are added on the right: the file is rewritten, and earlier
    rows get empty cells. A resumed run appends to its files.

    Args:
        path: Folder of the files. Default: `artifacts/csv` in the run folder.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = None if path is None else Path(path)
        self._tables: dict[type[Record], _Table] = {}
        self._in_run = False
        self._closed = False

    @property
    def name(self) -> str:
        """Name of the sink."""
        return "csv"

    def begin(self, context: SinkContext) -> None:
        """Use a folder in the run folder, unless another one was passed."""
        if self._path is None:
            self._in_run = True
            self._path = context.artifacts / "csv"

    def write(self, record: Record) -> None:
        """Append a row.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed.
            OSError: The file cannot be written. The row is not stored.
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
        """Close the files. All rows have been written before."""
        self._closed = True
        for table in self._tables.values():
            table.close()


class _Table:
    """One CSV file, with a header and rows of the same width.

    Args:
        path: CSV file.
        columns: Columns of a new file.
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
        """Append a row.

        Args:
            cells: Encoded cells by column name.
        """
        new = [name for name in cells if name not in self._columns]
        if new:
            room = MAX_COLUMNS - len(self._columns)
            if len(new) > room:
                beyond = {name: unquoted(cells.pop(name)) for name in new[max(room, 0) :]}
                cells[MORE] = quoted(json_text(beyond))
            self._widen([name for name in cells if name not in self._columns])
        self._file.append((",".join([cells.get(name, "") for name in self._columns]) + "\n").encode())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _widen(self, new: list[str]) -> None:
        """Rewrite the file with more columns. A reader sees either the old file or the new one."""
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
    """Remove an incomplete last row, left by a power cut. The run folder has the record."""
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
            _log.warning("%s: removed an incomplete last row (%d bytes)", path, size - sound)
