"""Streams as typed tables in DuckDB, from which Parquet, Arrow, DuckDB and pandas are written.

The tables are those of a sealed segment: a column for each field, flat dicts as structs with one typed field a key,
beside them JSON texts for keys whose values have no one type (`parameters_rest`), nested fields as JSON texts.
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
    """A database for `typed_table`; what does not fit into memory goes into a folder."""
    return connected(temp_directory=str(scratch / "duckdb"))


@contextlib.contextmanager
def typed_table(connection: duckdb.DuckDBPyConnection, source: Source, stream: str, scratch: Path) -> Iterator[int]:
    """Make a stream the view `stream`, as long as the context lasts.

    Args:
        connection: Where to.
        source: What is exported.
        stream: The stream.
        scratch: A folder for the stream's lines.

    Yields:
        How many rows it has.

    Raises:
        ExportError: The stream cannot be made into a table.
    """
    lines = scratch / f"{stream}.lines"
    # DuckDB ends the name of a key at a NUL.
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
        # Plain texts: other programs know no JSON type, or each its own.
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
    """See that every record has become a row.

    Raises:
        ExportError: Some have not.
    """
    if written != wanted:
        raise ExportError(f"{stream} cannot be exported: of {wanted} records {written} have become rows")


class TableFileExporter(Exporter):
    """Writes a folder with a file a stream and `header.json`, or one stream as one file where the path has its ending.

    Columns are those of a sealed segment, but that JSON is plain text. The header is in each file's metadata too.
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
            connection: The database of the view.
            metadata: JSON for the file's metadata, under the key of the export format.
            path: Path of the file.

        Returns:
            Number of rows written.
        """
