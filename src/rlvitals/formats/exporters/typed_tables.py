"""Typed DuckDB tables of streams, the basis of the Parquet, Arrow, DuckDB and pandas exports.

The tables have the columns of a sealed segment: one column per field, with flat dicts as structs. Keys with values of
mixed types are in an additional JSON text column (`parameters_rest`). Nested fields are JSON texts.
"""

import contextlib
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path

import duckdb
import msgspec

from rlvitals.errors import ExportError
from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.records import STREAMS, line_of
from rlvitals.runs.sql_columns import connected, identifier, lines_source, typed_columns

TABLE = "stream"


def opened(scratch: Path) -> contextlib.AbstractContextManager[duckdb.DuckDBPyConnection]:
    """Return a database connection for `typed_table` that spills to a folder when memory is short."""
    return connected(temp_directory=str(scratch / "duckdb"))


@contextlib.contextmanager
def typed_table(connection: duckdb.DuckDBPyConnection, source: Source, stream: str, scratch: Path) -> Iterator[int]:
    """Provide a stream as the view `stream` while the context is open.

    Args:
        connection: Database for the view.
        source: Data to export.
        stream: Name of the stream.
        scratch: Folder for temporary files.

    Yields:
        Number of rows.

    Raises:
        ExportError: The stream cannot be converted to a table.
    """
    lines = scratch / f"{stream}.lines"
    # DuckDB truncates key names at a NUL character.
    structs = True
    with lines.open("wb") as file:
        for record in source.records(stream):
            line = line_of(record)
            structs = structs and b"\\u0000" not in line
            file.write(line)
    try:
        rows = lines_source(STREAMS[stream], [lines])
        columns = typed_columns(connection, STREAMS[stream], rows, structs=structs)
        described = connection.execute(f"DESCRIBE SELECT {columns} FROM {rows}").fetchall()
        # Plain text, because other programs have no JSON type or a different one.
        json = [identifier(name) for name, kind, *_ in described if kind == "JSON"]
        texts = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in json)
        star = f"* REPLACE ({texts})" if json else "*"
        connection.execute(f"CREATE OR REPLACE VIEW {TABLE} AS SELECT {star} FROM (SELECT {columns} FROM {rows})")
        yield source.counts[stream]
    except duckdb.Error as error:
        raise ExportError(f"{stream} cannot be exported: {str(error).partition(chr(10))[0]}") from None
    finally:
        lines.unlink()


def check_rows(stream: str, written: int, wanted: int) -> None:
    """Check that every record became a row.

    Raises:
        ExportError: The numbers of rows and records differ.
    """
    if written != wanted:
        raise ExportError(f"{stream} cannot be exported: wrote {written} rows for {wanted} records")


class TableFileExporter(Exporter):
    """Base class of exporters that write one table file per stream.

    The export is a folder with one file per stream and `header.json`, or a single file if the path has the suffix of
    the format. Columns are those of a sealed segment, with JSON as plain text. Each file also has the header as
    metadata.
    """

    def export(self, source: Source, target: Path) -> None:
        """Write the files."""
        single = target.suffix.lower() in self.endings
        if not single:
            target.mkdir()
        with opened(target.parent) as connection:
            for stream in (source.one_stream(),) if single else source.streams:
                with typed_table(connection, source, stream, target.parent) as count:
                    described = {**source.described(counted=False), "stream": stream, "records": {stream: count}}
                    path = target if single else target / f"{stream}{self.endings[0]}"
                    check_rows(stream, self.write_table(connection, msgspec.json.encode(described), path), count)
        if not single:
            source.write_header(target)

    @abstractmethod
    def write_table(self, connection: duckdb.DuckDBPyConnection, metadata: bytes, path: Path) -> int:
        """Write the view `stream` to a file.

        Args:
            connection: Database with the view.
            metadata: JSON for the file's metadata, stored under the key of the export format.
            path: Path of the file.

        Returns:
            Number of rows written.
        """
