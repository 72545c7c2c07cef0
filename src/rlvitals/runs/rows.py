"""Conversion of rows of sealed segments to records."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from rlvitals.errors import RecordError, RunFormatError
from rlvitals.records import Record, codec_of
from rlvitals.records.coercion import unspelled
from rlvitals.records.schema import Field, fields
from rlvitals.runs.sql_columns import REST, connected, sealed_source

_BATCH = 2_000
_LARGEST_PAGE = 10_000


class _Place(NamedTuple):
    """Field of a record that a column of a sealed segment belongs to."""

    field: str
    is_json: bool
    is_dict: bool


def rows_of(path: Path, kind: type[Record], *, skip: int = 0) -> Iterator[Any]:
    """Yield the records of a sealed segment, in their order.

    Args:
        path: Segment to read.
        kind: Record class of the segment.
        skip: Number of records to skip at the start, without reading them.

    Raises:
        RunFormatError: The segment is damaged.
    """
    try:
        with connected() as connection:
            yield from records_from(connection, f"{sealed_source([path])} OFFSET {skip}", kind)
    except (duckdb.Error, RecordError) as error:
        reason = str(error).partition("\n")[0]  # the following lines are the query
        raise RunFormatError(f"{path} is damaged: {reason}") from None


def records_from(connection: duckdb.DuckDBPyConnection, source: str, kind: type[Record]) -> Iterator[Any]:
    """Yield the records in a table with the columns of a sealed segment, in their order.

    Args:
        connection: DuckDB connection.
        source: SQL for the table.
        kind: Record class of the rows.

    Raises:
        duckdb.Error: The table cannot be read.
        RecordError: A row is not a valid record.
    """
    from_plain, empty = codec_of(kind).from_plain, _empty_dicts(kind)
    found = connection.execute(f"FROM {source}")
    places = _places([column[0] for column in found.description], kind)
    while rows := found.fetchmany(_BATCH):
        for row in rows:
            yield from_plain({**empty, **_plain(row, places)})


def rows_backwards(tables: duckdb.DuckDBPyConnection, path: Path, kind: type[Record], page: int) -> Iterator[Any]:
    """Yield the records of a sealed segment, starting with the last one. Records are read in pages of increasing size.

    Args:
        tables: DuckDB connection.
        path: Segment to read.
        kind: Record class of the segment.
        page: Number of records in the first page, usually the number that the caller needs.

    Raises:
        duckdb.Error: The segment is damaged.
        RecordError: A row is not a valid record.
    """
    source, from_plain, empty = sealed_source([path]), codec_of(kind).from_plain, _empty_dicts(kind)
    (end,) = tables.execute(f"SELECT count(*) FROM {source}").fetchone() or (0,)
    while end > 0:
        begin = max(0, end - page)
        found = tables.execute(f"FROM {source} LIMIT {end - begin} OFFSET {begin}")
        places = _places([column[0] for column in found.description], kind)
        for row in reversed(found.fetchall()):
            yield from_plain({**empty, **_plain(row, places)})
        end, page = begin, min(2 * page, _LARGEST_PAGE)


def _empty_dicts(kind: type[Record]) -> dict[str, Any]:
    # A dict field without entries in the whole segment has no column there.
    return {field.name: {} for field in fields(kind) if field.required and field.column.is_dict}


def _places(names: list[str], kind: type[Record]) -> list[_Place | None]:
    by_name = {field.name: field for field in fields(kind)}
    known = [(name, by_name.get(name.removesuffix(REST))) for name in names]
    return [field and _Place(field.name, _is_json(name, field), field.column.is_dict) for name, field in known]


def _is_json(name: str, field: Field) -> bool:
    return field.column.is_json or name.endswith(REST)


def _plain(row: tuple[Any, ...], places: list[_Place | None]) -> dict[str, Any]:
    """Convert one row of a sealed segment to plain values. NULL values are left out."""
    values: dict[str, Any] = {}
    for value, place in zip(row, places, strict=True):
        if value is None or place is None:
            continue
        plain = unspelled(json.loads(value)) if place.is_json else value
        if place.is_dict:
            said = {key: item for key, item in plain.items() if item is not None}
            values.setdefault(place.field, {}).update(said)
        else:
            values[place.field] = plain
    return values
