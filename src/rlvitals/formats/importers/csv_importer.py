"""Import of CSV exports."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.export_metadata import metadata_of
from rlvitals.formats.importers.importer import Imported, Importer
from rlvitals.records import STREAMS, Record, codec_of
from rlvitals.records.coercion import NON_FINITE, unspelled
from rlvitals.records.csv_cells import cells_in, plain_columns, rows_in, unquoted, value_in
from rlvitals.records.schema import Column, Field, fields
from rlvitals.runs.export_marker import HEADER
from rlvitals.runs.sql_columns import REST

ENDING = ".csv"


class CsvImporter(Importer):
    """Importer for the files of the CSV exporter and the CSV sink: a folder, or a single file.

    The columns determine the stream of a file. A file from the exporter is restored exactly. In a file from the sink, a
    text in a flat dict that looks like a number becomes a number.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether the columns of a file match a stream."""
        return any(stream_of(columns_of(file)) for file in _files(path))

    def read(self, path: Path) -> Imported:
        """Read the header if the folder has one. Rows are read lazily."""
        if not path.is_dir() or not (path / HEADER).exists():
            return Imported(path.stem, _all(_files(path), path))
        preamble = metadata_of(path)
        files = [path / f"{stream}{ENDING}" for stream in preamble.records or {}]
        return Imported(preamble.header.run_id, _all(files, path), header=preamble.header, counts=preamble.records)


def columns_of(path: Path) -> list[str]:
    """Return the columns of a CSV file, or an empty list if the file cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [unquoted(cell) for cell in cells_in(next(rows_in(file), ""))]
    except (OSError, UnicodeDecodeError):
        return []


def stream_of(columns: list[str]) -> str | None:
    """Return the first stream with all its fields among the columns, or `None`."""
    return next((stream for stream, kind in STREAMS.items() if {*plain_columns(kind)} <= {*columns}), None)


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for stream in STREAMS if (file := path / f"{stream}{ENDING}").exists()]
    return [path] if path.suffix.lower() == ENDING else []


def _all(files: list[Path], path: Path) -> Iterator[Record]:
    for file in files:
        stream = stream_of(columns_of(file))
        if stream is None:
            raise ImportFormatError(f"{file}: the columns do not match any stream")
        yield from _records(file, stream)
    if not files:
        raise ImportFormatError(f"{path}: found no {ENDING} file of a stream")


def _records(path: Path, stream: str) -> Iterator[Record]:
    kind = STREAMS[stream]
    from_plain = codec_of(kind).from_plain
    required: dict[str, Any] = {field.name: {} for field in fields(kind) if field.required and field.column.is_dict}
    with path.open(encoding="utf-8-sig", newline="") as file:
        columns = columns_of(path)
        places = _places(columns, {field.name: field for field in fields(kind)})
        line = 1
        for number, row in enumerate(rows_in(file)):
            begins, line = line, line + row.count("\n")
            if not number:
                continue
            cells = list(cells_in(row))
            where = f"{path}, line {begins}"
            if len(cells) != len(columns) or not row.endswith("\n"):
                raise ImportFormatError(f"{where}: {len(cells)} cells for {len(columns)} columns; the row is truncated")
            try:
                yield from_plain({**required, **_values(cells, places)})
            except (RecordError, ValueError, msgspec.MsgspecError) as error:
                raise ImportFormatError(f"{where}: {error}") from None


_Place = tuple[Field, str | None]
"""A field and a key of that dict field. The key is `None` for a whole field and for its `_rest` column."""


def _places(columns: list[str], known: dict[str, Field]) -> list[_Place | None]:
    places: list[_Place | None] = []
    for column in columns:
        name, dot, key = column.partition(".")
        field = known.get(name) or known.get(name.removesuffix(REST))
        places.append(None if field is None else (field, key if dot else None))
    return places


def _values(cells: list[str], places: list[_Place | None]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for cell, place in zip(cells, places, strict=True):
        if not cell or place is None:
            continue
        field, key = place
        text = unquoted(cell)
        if key is not None:
            values.setdefault(field.name, {})[key] = value_in(text)
        elif field.column.is_dict:
            values.setdefault(field.name, {}).update(unspelled(msgspec.json.decode(text)))
        else:
            values[field.name] = _field(field, text)
    return values


def _field(field: Field, text: str) -> Any:
    """Return the value of a field from the text of its cell.

    Raises:
        ValueError: The text is not a valid value of the field.
    """
    match field.column:
        case Column.NUMBER:
            return NON_FINITE[text] if text in NON_FINITE else float(text)
        case Column.COUNT:
            return int(text)
        case Column.FLAG:
            if text not in {"true", "false"}:
                raise ValueError(f"{field.name} must be true or false, got {text!r:.60}")
            return text == "true"
        case Column.TREE | Column.ROWS:
            return unspelled(msgspec.json.decode(text))
        case _:
            return text
