"""Columns of dict entries such as `values.loss`: their names, types and SQL that reads only the requested entries.

A stream can have tens of thousands of entry names, with a few of them in each record. A query therefore reads only the
entries that it needs, at most `MOST_AT_ONCE`, and no table has a column for every name.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np

from rlvitals.records import STREAMS
from rlvitals.records.schema import fields
from rlvitals.runs.layout import Segment
from rlvitals.runs.sql_columns import (
    REST,
    SQL_TYPE,
    file_literal,
    identifier,
    key_types,
    lines_source,
    literal,
    pointer,
    sealed_source,
)

MOST_AT_ONCE = 512
"""Maximum number of columns in one query."""

_TEXT, _FLOAT, _COUNT = "VARCHAR", "DOUBLE", "BIGINT"
_PARQUET_TYPE = {"BOOLEAN": "BOOLEAN", "INT64": _COUNT, "DOUBLE": _FLOAT, "BYTE_ARRAY": _TEXT}

_DTYPE: dict[str, Any] = {_TEXT: object, _FLOAT: np.float64, _COUNT: np.int64, "BOOLEAN": np.bool_}

MaskedArray = np.ma.MaskedArray[Any, Any]
Entry = tuple[str, str]
"""A dict field and a key in it."""


class _Sealed(NamedTuple):
    """Dict entries of a sealed segment: SQL types of the typed entries, and the fields with more entries in JSON."""

    typed: dict[Entry, str]
    rests: frozenset[str]


class Entries:
    """Current dict entries of the segments of a stream.

    Args:
        tables: DuckDB connection.
        stream: Stream name.
        segments: Segments of the stream.

    Raises:
        duckdb.Error: A segment is damaged, or was removed after it was listed.
    """

    def __init__(self, tables: duckdb.DuckDBPyConnection, stream: str, segments: Sequence[Segment]) -> None:
        self._tables = tables
        self._kind = STREAMS[stream]
        self._dicts = [field.name for field in fields(self._kind) if field.column.is_dict]
        self._plain = [field for field in fields(self._kind) if not field.column.is_dict]
        self._segments = segments
        sealed = [segment.path.absolute() for segment in segments if segment.sealed]
        self._sealed = _schemas(tables, sealed, self._dicts)

    def names(self) -> dict[str, list[str]]:
        """Return the keys of each dict field: typed keys in the order of the segments, then the other keys by name."""
        found: dict[str, dict[str, None]] = {name: {} for name in self._dicts}
        for schema in self._sealed.values():
            for name, key in schema.typed:
                found[name][key] = None
        for name, keys in found.items():
            for source, column in self._documents(name):
                rows = self._tables.execute(f"SELECT DISTINCT unnest(json_keys({column})) AS key FROM {source}")
                keys.update(dict.fromkeys(sorted(key for (key,) in rows.fetchall() if key not in keys)))
        return {name: list(keys) for name, keys in found.items()}

    def types(self, entries: Iterable[Entry]) -> dict[Entry, str]:
        """Return the SQL type of each existing entry. The type is text if the values have several types."""
        wanted = set(entries)
        seen: dict[Entry, set[str]] = {}
        for schema in self._sealed.values():
            for entry in wanted & schema.typed.keys():
                seen.setdefault(entry, set()).add(schema.typed[entry])
        for name in {name for name, _ in wanted}:
            keys = [key for field, key in wanted if field == name]
            for source, column in self._documents(name):
                for key, kind in key_types(self._tables, source, column, only=keys):
                    seen.setdefault((name, key), set()).add(kind)
        return {entry: _type_of(kinds) for entry, kinds in seen.items()}

    def sql(self, plain: Sequence[str], types: Mapping[Entry, str]) -> str:
        """Return SQL for the rows, in the order in which they were written.

        Args:
            plain: Other fields to read.
            types: Entries to read, with their types (see `types`). Their columns are named `e0`, `e1`, ...
        """
        empty = [f"NULL::{SQL_TYPE[field.column]} AS {identifier(field.name)}" for field in self._plain]
        empty += [f"NULL::{kind} AS e{place}" for place, kind in enumerate(types.values())]
        pattern = literal(f"^({'|'.join(plain)})$")
        parts = [f"SELECT {', '.join(empty)} WHERE false"]
        for (sealed, typed, rests), group in itertools.groupby(self._segments, lambda one: self._shape(one, types)):
            paths = [segment.path.absolute() for segment in group]
            source = sealed_source(paths) if sealed else lines_source(self._kind, paths)
            shown = [f"COLUMNS({pattern})"]
            texts: dict[str, list[str]] = {}
            for place, ((name, key), kind) in enumerate(types.items()):
                if (name, key) in typed:
                    shown.append(f"{identifier(name)}.{identifier(key)}::{kind} AS e{place}")
                elif name in rests:
                    paths_in = texts.setdefault(name, [])
                    paths_in.append(pointer(key))
                    shown.append(f"TRY_CAST({identifier('texts of ' + name)}[{len(paths_in)}] AS {kind}) AS e{place}")
            inner = [
                f"json_extract_string({identifier(name + REST if sealed else name)}, "
                f"[{', '.join(map(literal, paths_in))}]) AS {identifier('texts of ' + name)}"
                for name, paths_in in texts.items()
            ]
            parts.append(f"SELECT {', '.join(shown)} FROM (SELECT {', '.join(['*', *inner])} FROM {source})")
        columns = ", ".join(
            [
                *("coalesce(writer, 1) AS writer" if name == "writer" else identifier(name) for name in plain),
                *(f"e{place}" for place in range(len(types))),
            ]
        )
        return f"(SELECT {columns} FROM ({' UNION ALL BY NAME '.join(parts)}))"

    def untyped(self, types: Mapping[Entry, str]) -> dict[Entry, str]:
        """Return the entries that occur only in JSON, because no sealed segment has a column for them."""
        return {entry: types[entry] for entry in types if not any(entry in one.typed for one in self._sealed.values())}

    def columns(self, types: Mapping[Entry, str], *, rows: int, where: str) -> dict[Entry, MaskedArray]:
        """Read entries that occur only in JSON. The entries of each record are scanned once for any number of columns.

        Args:
            types: Entries to read, with their types.
            rows: Number of rows to read, from the first.
            where: SQL condition for the rows to read.

        Returns:
            Masked columns, shape `(rows,)`.
        """
        made = {entry: np.ma.array(np.zeros(rows, dtype=_DTYPE[kind]), mask=True) for entry, kind in types.items()}
        plain = [field.name for field in self._plain]
        for name in {name for name, _ in types}:
            kept = f"{self._document(name, plain)} WHERE {where}"
            documents = f"SELECT row_number() OVER (ORDER BY part, place) - 1 AS row, document FROM {kept}"
            text = "entry.atom->>'$'"
            found = self._tables.execute(
                f"SELECT row, entry.key AS key, {text} AS O, {text} AS b, "
                f"TRY_CAST({text} AS {_FLOAT}) AS f, TRY_CAST({text} AS {_COUNT}) AS i "
                f"FROM ({documents}) AS documents, json_each(document) AS entry WHERE row < {rows} ORDER BY key"
            ).fetchnumpy()
            keys, at = np.unique(np.asarray(np.ma.getdata(found["key"])), return_index=True)
            for key, start, stop in zip(keys.tolist(), at, [*at[1:], len(found["row"])], strict=True):
                column = made.get((name, key))
                if column is not None:
                    values = found[column.dtype.kind][start:stop]
                    column[found["row"][start:stop]] = values == "true" if column.dtype.kind == "b" else values
        return made

    def _document(self, name: str, plain: Sequence[str]) -> str:
        """Return SQL for the rows, with the JSON part of a dict field as the column `document`.

        The columns `part` and `place` have the order of the rows. `row_number() OVER ()` must count within one scan
        only: over several scans, it sometimes counts them out of order
        (https://github.com/duckdb/duckdb/issues/25995).
        """
        empty = [f"NULL::{SQL_TYPE[field.column]} AS {identifier(field.name)}" for field in self._plain]
        parts = [f"SELECT {', '.join(empty)}, NULL::JSON AS document, 0 AS part, 0 AS place WHERE false"]
        pattern = literal(f"^({'|'.join(plain)})$")
        groups = itertools.groupby(self._segments, lambda one: self._has_document(one, name))
        for part, ((sealed, has), group) in enumerate(groups):
            paths = [segment.path.absolute() for segment in group]
            source = sealed_source(paths) if sealed else lines_source(self._kind, paths)
            column = f"{identifier(name + REST if sealed else name)}::JSON" if has else "NULL::JSON"
            place = f"{part} AS part, row_number() OVER () AS place"
            parts.append(f"SELECT COLUMNS({pattern}), {column} AS document, {place} FROM {source}")
        return f"(SELECT * REPLACE (coalesce(writer, 1) AS writer) FROM ({' UNION ALL BY NAME '.join(parts)}))"

    def _has_document(self, segment: Segment, name: str) -> tuple[bool, bool]:
        return segment.sealed, not segment.sealed or name in self._sealed[segment.path.absolute()].rests

    def _shape(
        self, segment: Segment, types: Mapping[Entry, str]
    ) -> tuple[bool, tuple[tuple[Entry, str], ...] | dict[Entry, str], frozenset[str]]:
        """Return what a scan must read from a segment for some entries. Neighbours with equal results share a scan."""
        if not segment.sealed:
            return False, {}, frozenset(name for name, _ in types)
        schema = self._sealed[segment.path.absolute()]
        return True, {entry: schema.typed[entry] for entry in types if entry in schema.typed}, schema.rests

    def _documents(self, name: str) -> list[tuple[str, str]]:
        """Return the sources in which a field is JSON: SQL for the rows, and the column name."""
        found = []
        sealed = [path for path, schema in self._sealed.items() if name in schema.rests]
        if sealed:
            found.append((sealed_source(sealed), identifier(name + REST)))
        lines = [segment.path.absolute() for segment in self._segments if not segment.sealed]
        if lines:
            found.append((lines_source(self._kind, lines), identifier(name)))
        return found


def _schemas(tables: duckdb.DuckDBPyConnection, paths: Sequence[Path], dicts: Sequence[str]) -> dict[Path, _Sealed]:
    """Read the dict entries of sealed segments from their Parquet footers."""
    if not paths:
        return {}
    files = ", ".join(map(file_literal, paths))
    rows = tables.execute(f"SELECT file_name, name, type, num_children FROM parquet_schema([{files}])").fetchall()
    found: dict[Path, _Sealed] = {}
    for file, found_in_it in itertools.groupby(rows, lambda row: row[0]):
        typed: dict[Entry, str] = {}
        rests: set[str] = set()
        inside, left = "", 0
        _, *columns = found_in_it  # the first row is the root of the schema
        for _, name, kind, children in columns:
            if left:
                left -= 1
                if inside in dicts:
                    typed[inside, name] = _PARQUET_TYPE.get(kind, _TEXT)
            elif children:
                inside, left = name, children
            elif name.endswith(REST) and name.removesuffix(REST) in dicts:
                rests.add(name.removesuffix(REST))
        found[Path(file)] = _Sealed(typed, frozenset(rests))
    return found


def _type_of(kinds: set[str]) -> str:
    if len(kinds) == 1:
        return next(iter(kinds)) or _TEXT
    return _FLOAT if kinds == {_FLOAT, _COUNT} else _TEXT
