"""Incremental reading of a stream by columns: sealed segments with DuckDB, open segments from a byte offset."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np

from rlvitals.errors import RecordError, RunFormatError
from rlvitals.files.regular_files import reader
from rlvitals.records import STREAMS, codec_of
from rlvitals.records.schema import Column, fields
from rlvitals.runs.column_store import Cells, Labels, absent
from rlvitals.runs.folder import is_abandoned, rewinds_of
from rlvitals.runs.header import Header
from rlvitals.runs.layout import SEALED, Layout, Segment
from rlvitals.runs.sql_columns import connected, identifier, literal, sealed_source

_MOST_BYTES = 8 << 20
"""Number of bytes of lines that are read at a time."""
_LISTED_LABELS = 200


class Batch(NamedTuple):
    """Rows of a stream."""

    rows: int
    columns: dict[str, Cells]

    def cells(self, name: str) -> Cells:
        """Return a column. If the batch lacks it, no value is present."""
        return self.columns.get(name) or absent(self.rows)


class Tail:
    """Reader of a stream by columns. The first read returns all rows, and each later read returns the new rows.

    Args:
        layout: Paths of the run.
        stream: Stream name.
        only: Fields to read; by default all numbers, booleans and texts.

    Attributes:
        dicts: Dict fields that have entries, and lists of dicts. In an open segment, only the first and the last line
            of each read are checked.
    """

    def __init__(self, layout: Layout, stream: str, only: Sequence[str] | None = None) -> None:
        kind = STREAMS[stream]
        flat = [field for field in fields(kind) if not (field.column.is_dict or field.column.is_json)]
        wanted = [field for field in flat if (field.name in only if only is not None else field.name != "writer")]
        self.stream = stream
        self.names = tuple(field.name for field in wanted)
        self.labels = {field.name: Labels() for field in wanted if field.column is Column.TEXT}
        self.dicts: set[str] = set()
        self._lists = [field.name for field in fields(kind) if field.column is Column.ROWS]
        self._all_dicts = [*(field.name for field in fields(kind) if field.column.is_dict), *self._lists]
        self._layout = layout
        self._kind = kind
        self._unpack = codec_of(kind).unpack
        self._clocks = [field.name for field in flat if field.name in {"env_step", "episode", "step"}]
        self._number = 0
        self._offset = 0
        self._seen = 0
        self._known: set[int] = set()
        self._rewinds: list[Any] = []

    def broken(self, header: Header) -> bool:
        """Return whether the rows read until now are outdated: the run was rewound, removed, truncated or replaced."""
        if self._number == 0:
            return False
        if rewinds_of(header) != self._rewinds:
            return True
        segments = {segment.number: segment for segment in self._layout.segments(self.stream)}
        if not self._known <= segments.keys():
            return True
        last = segments[self._number]
        try:
            return not last.sealed and self._offset >= 0 and last.path.stat().st_size < self._offset
        except FileNotFoundError:
            return not last.path.with_suffix(SEALED).exists()

    def read(self, header: Header) -> list[Batch]:
        """Read the new rows in the order in which they were written. Torn lines are skipped.

        Args:
            header: Current header of the run. Rows of branches that a rewind abandoned are left out.

        Returns:
            The new rows.

        Raises:
            RunFormatError: A sealed segment is damaged.
        """
        self._rewinds = rewinds_of(header)
        batches: list[Batch] = []
        sealed: list[Path] = []
        for segment in self._layout.segments(self.stream):
            if segment.number < self._number:
                continue
            if segment.number > self._number:
                self._number, self._offset, self._seen = segment.number, 0, 0
            self._known.add(segment.number)
            if segment.sealed and self._seen == 0 and self._offset == 0:
                sealed.append(segment.path)  # consecutive sealed segments are read in one scan
                self._offset = -1
                continue
            batches += self._scanned(sealed)
            sealed = []
            batches += self._rest(segment) if segment.sealed else self._lines(segment)
        return batches + self._scanned(sealed)

    def _rest(self, segment: Segment) -> list[Batch]:
        """Read the rows that a segment gained between the last read of its lines and its sealing."""
        if self._offset < 0:
            return []
        self._offset = -1
        return self._scanned([segment.path], skip=self._seen)

    def _scanned(self, paths: list[Path], skip: int = 0) -> list[Batch]:
        if not paths:
            return []
        source = sealed_source(paths)
        try:
            with connected() as tables:
                return self._asked(tables, source, skip)
        except duckdb.Error as error:
            reason = str(error).partition("\n")[0]
            raise RunFormatError(
                f"{paths[0].parent} is damaged: {reason}; run `rlvitals verify` to find the file"
            ) from None

    def _asked(self, tables: duckdb.DuckDBPyConnection, source: str, skip: int) -> list[Batch]:
        there = {row[0] for row in tables.execute(f"DESCRIBE FROM {source}").fetchall()}
        self.dicts |= there.intersection(self._all_dicts).difference(self._lists)
        for name in there.intersection(self._lists).difference(self.dicts):  # the column exists without values, too
            ((count,),) = tables.execute(f"SELECT count({identifier(name)}) FROM {source}").fetchall()
            self.dicts |= {name} if count else set()
        shown: list[str] = []
        for name in (name for name in dict.fromkeys((*self.names, *self._limits())) if name in there):
            column = identifier(name)
            shown.append(f"{self._coded(tables, source, name) if name in self.labels else column}::DOUBLE AS {column}")
        if not shown:
            return []
        found = tables.execute(f"SELECT {', '.join(shown)} FROM {source} OFFSET {int(skip)}").fetchnumpy()
        columns = {name: _cells(column) for name, column in found.items()}
        return [self._kept(columns)]

    def _coded(self, tables: duckdb.DuckDBPyConnection, source: str, name: str) -> str:
        column, labels = identifier(name), self.labels[name]
        query = f"SELECT {column} FROM {source} WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1"
        texts = [str(text) for (text,) in tables.execute(f"{query} LIMIT {_LISTED_LABELS}").fetchall()]
        cases = " ".join(f"WHEN {literal(text)} THEN {labels.code(text)}" for text in texts)
        rest = f"WHEN {column} IS NOT NULL THEN {labels.code('(other)')}" if len(texts) == _LISTED_LABELS else ""
        return f"(CASE {column} {cases} END)" if cases and not rest else f"(CASE {_searched(column, cases)} {rest} END)"

    def _limits(self) -> list[str]:
        return ["writer", *self._clocks] if self._rewinds else []

    def _kept(self, columns: dict[str, Cells]) -> Batch:
        rows = next(iter(columns.values())).values.size
        if not self._rewinds:
            return Batch(rows, columns)
        kept = np.ones(rows, dtype=bool)
        writer = columns["writer"].values if "writer" in columns else np.ones(rows)
        for number, rewind in self._rewinds:
            beyond = np.zeros(rows, dtype=bool)
            for clock in self._clocks:
                limit = getattr(rewind, clock, None)
                if limit is not None and clock in columns:
                    beyond |= columns[clock].present & (columns[clock].values > limit)
            kept &= ~((np.nan_to_num(writer, nan=1.0) < number) & beyond)
        left = {name: Cells(cells.values[kept], cells.present[kept]) for name, cells in columns.items()}
        return Batch(int(kept.sum()), {name: cells for name, cells in left.items() if name in self.names})

    def _lines(self, segment: Segment) -> list[Batch]:
        batches: list[Batch] = []
        while True:
            try:
                with reader(segment.path) as file:
                    file.seek(self._offset)
                    content = file.read(_MOST_BYTES)
            except FileNotFoundError:  # sealed since it was listed, or removed
                sealed = segment.path.with_suffix(SEALED)
                return batches + (self._rest(segment._replace(path=sealed)) if sealed.exists() else [])
            whole = content[: content.rfind(b"\n") + 1]  # the last line is still being written
            records = self._records(whole)
            if records:
                ends = records[0], records[-1]
                self.dicts |= {name for name in self._all_dicts if any(getattr(record, name) for record in ends)}
                batches.append(Batch(len(records), {name: self._column(records, name) for name in self.names}))
            # Skip a block without a line end: no record is that long.
            self._offset += len(whole) if whole or len(content) < _MOST_BYTES else len(content)
            if len(content) < _MOST_BYTES:
                return batches

    def _records(self, lines: bytes) -> list[Any]:
        records: list[Any] = []
        for line in lines.split(b"\n"):
            try:
                records += [self._unpack(line)] if line else []
            except RecordError:
                continue
        self._seen += len(records)
        return [record for record in records if not is_abandoned(record, self._rewinds)]

    def _column(self, records: list[Any], name: str) -> Cells:
        said = [getattr(record, name) for record in records]
        if name in self.labels:
            return self.labels[name].cells(said)
        present = np.fromiter((value is not None for value in said), dtype=bool, count=len(said))
        return Cells(np.asarray([np.nan if value is None else value for value in said], dtype=np.float64), present)


def _searched(column: str, cases: str) -> str:
    return cases.replace("WHEN ", f"WHEN {column} = ") if cases else "WHEN false THEN 0"


def _cells(column: Any) -> Cells:
    absent = np.ma.getmaskarray(column)
    return Cells(np.asarray(np.ma.getdata(column), dtype=np.float64), ~absent)
