"""Import of typed table exports: Parquet, Arrow and DuckDB."""

import contextlib
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import msgspec

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.export_metadata import ExportMetadata, metadata_in, metadata_of
from rlvitals.formats.importers.importer import Imported, Importer, head_of, tail_of
from rlvitals.records import STREAMS, Record
from rlvitals.runs.export_marker import FORMAT, HEADER
from rlvitals.runs.rows import records_from
from rlvitals.runs.sandbox import sandbox
from rlvitals.runs.sql_columns import attached, connected, file_literal, identifier, literal
from rlvitals.sinks.lazy_destination import load, require

_DUCKDB_MAGIC = b"DUCK"
_RUN = "run"
"""Table of a database with the metadata of an export."""
_ENDS = 1 << 20
"""Number of bytes at each end of a file that are searched for the metadata of an export."""


class _FilesImporter(Importer):
    """Importer for a folder with one file per stream and `header.json`, or for a single file with one stream."""

    endings: ClassVar[tuple[str, ...]]
    magic: ClassVar[bytes]

    def recognises(self, path: Path) -> bool:
        """Return whether the file, or one in an export folder, is an export of a run, or a damaged file of the format.

        The metadata of an export is near the beginning or the end of a file.
        """
        if path.is_dir():
            found = (file for ending in self.endings for file in path.glob(f"*{ending}"))
            return (path / HEADER).is_file() and any(map(self.recognises, found))
        if head_of(path, len(self.magic)) != self.magic:
            return False
        ends = head_of(path, _ENDS), tail_of(path, _ENDS)
        is_whole = len(ends[1]) > 2 * len(self.magic) and ends[1].endswith(self.magic)
        return not is_whole or any(FORMAT.encode() in each for each in ends)

    def read(self, path: Path) -> Imported:
        """Read the header. Rows are read lazily."""
        if path.is_dir():
            preamble = metadata_of(path)
            files = {stream: path / f"{stream}{self.endings[0]}" for stream in preamble.records or {}}
        else:
            with _reported(path):
                said = self.metadata(path)
            if said is None:
                raise ImportFormatError(f"{path} is not an export of a run: the metadata of the run is missing")
            preamble = metadata_in(said, path)
            if preamble.stream not in STREAMS:
                raise ImportFormatError(
                    f"{path}: unknown stream {preamble.stream!r}. The streams are {', '.join(STREAMS)}."
                )
            files = {preamble.stream: path}
        return _imported(preamble, self._records(files))

    @abstractmethod
    def metadata(self, path: Path) -> bytes | None:
        """Return the export metadata in a file, or `None` if there is none."""

    @abstractmethod
    def source(self, connection: duckdb.DuckDBPyConnection, path: Path) -> str:
        """Return SQL for the rows of a file."""

    def _records(self, files: dict[str, Path]) -> Iterator[Record]:
        for stream, path in files.items():
            if not path.is_file():
                raise ImportFormatError(f"{path} is missing")
            with _reported(path), connected() as connection:
                yield from records_from(connection, self.source(connection, path), STREAMS[stream])


class ParquetImporter(_FilesImporter):
    """Importer for Parquet exports."""

    endings: ClassVar[tuple[str, ...]] = (".parquet",)
    magic = b"PAR1"

    def metadata(self, path: Path) -> bytes | None:
        """Return the export metadata in a file, or `None` if there is none."""
        with connected() as connection:
            found = connection.execute(f"SELECT key, value FROM parquet_kv_metadata({file_literal(path)})").fetchall()
        return next((bytes(value) for key, value in found if bytes(key) == FORMAT.encode()), None)

    def source(self, connection: duckdb.DuckDBPyConnection, path: Path) -> str:
        """Return SQL for the rows of a file."""
        del connection
        return f"read_parquet({file_literal(path)})"


class ArrowImporter(_FilesImporter):
    """Importer for Arrow exports."""

    endings: ClassVar[tuple[str, ...]] = (".arrow", ".feather", ".ipc")
    magic = b"ARROW1"

    def metadata(self, path: Path) -> bytes | None:
        """Return the export metadata in the schema of a file, or `None` if there is none."""
        arrow = _arrow()
        with arrow.memory_map(str(path)) as file:
            return (arrow.ipc.open_file(file).schema.metadata or {}).get(FORMAT.encode())

    def source(self, connection: duckdb.DuckDBPyConnection, path: Path) -> str:
        """Return SQL for the rows of a file, which is read in batches."""
        arrow = _arrow()
        batches = arrow.ipc.open_file(arrow.memory_map(str(path)))
        reader = arrow.RecordBatchReader.from_batches(
            batches.schema, (batches.get_batch(place) for place in range(batches.num_record_batches))
        )
        connection.register("batches", reader)
        return "batches"


class DuckdbImporter(Importer):
    """Importer for DuckDB exports."""

    def recognises(self, path: Path) -> bool:
        """Return whether the file is a database with the table of an export, or a damaged database."""
        if not path.is_file() or head_of(path, 12)[8:] != _DUCKDB_MAGIC:
            return False
        try:
            with _reported(path), _attached(path) as connection:
                query = "SELECT 1 FROM duckdb_tables() WHERE database_name = 'source' AND table_name = ?"
                return connection.execute(query, [_RUN]).fetchone() is not None
        except ImportFormatError:
            return True

    def read(self, path: Path) -> Imported:
        """Read the table `run`. The rows of streams are read lazily."""
        with _reported(path), _attached(path) as connection:
            rows = connection.execute(f"SELECT key, value FROM source.{_RUN}").fetchall()
            said = {key: msgspec.json.decode(value) for key, value in rows}
        preamble = metadata_in(said, path)
        return _imported(preamble, self._records(path, list(preamble.records or {})))

    def _records(self, path: Path, streams: list[str]) -> Iterator[Record]:
        with _reported(path), _attached(path) as connection:
            for stream in streams:
                yield from records_from(connection, f"source.{identifier(stream)}", STREAMS[stream])


def _imported(preamble: ExportMetadata, records: Iterator[Record]) -> Imported:
    return Imported(preamble.header.run_id, records, header=preamble.header, counts=preamble.records)


@contextlib.contextmanager
def _attached(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    file = path.resolve()
    # Views are rejected because they run the author's query. The sandbox prevents access to other files.
    allowed = (file, file.with_name(f"{file.name}.wal"))
    with attached(lambda: sandbox(files=allowed)) as connection:
        connection.execute(f"ATTACH {literal(file)} AS source (READ_ONLY)")
        views = connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE database_name = 'source' AND NOT internal ORDER BY ALL"
        ).fetchall()
        if views:
            raise ImportFormatError(
                f"{path} has the view {views[0][0]!r}, but an export of a run contains only tables. "
                "Export the run again with `rlvitals export`."
            )
        yield connection


def _arrow() -> Any:
    require("pyarrow", feature="the Arrow format", extra="arrow")
    return load("pyarrow")


@contextlib.contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, RecordError, ValueError, msgspec.MsgspecError) as error:
        raise ImportFormatError(
            f"{path} is damaged or not an export of a run: {str(error).partition(chr(10))[0]}"
        ) from None
