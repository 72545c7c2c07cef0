"""A run as Parquet: a folder with a file a stream, or one file of one stream."""

from pathlib import Path
from typing import ClassVar

import duckdb
import msgspec

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.formats.exporters.typed_tables import TABLE, check_rows, opened, typed_table
from rlvitals.runs.export_marker import FORMAT
from rlvitals.runs.sql_columns import literal

_ROW_GROUP = 100_000


class ParquetExporter(Exporter):
    """Writes `episodes.parquet`, ... and `header.json` into a folder.

    Where the path ends in `.parquet`, one stream becomes that file. Columns are those of a sealed segment, but that
    JSON is plain text. The header is in each file's metadata too.
    """

    endings: ClassVar[tuple[str, ...]] = (".parquet",)

    def export(self, source: Source, target: Path) -> None:
        """Write the files."""
        if target.suffix.lower() in self.endings:
            with opened(target.parent) as connection:
                _write(connection, source, source.one_stream(), target, target.parent)
            return
        target.mkdir()
        with opened(target.parent) as connection:
            for stream in source.streams:
                _write(connection, source, stream, target / f"{stream}.parquet", target.parent)
        source.write_header(target)


def _write(connection: duckdb.DuckDBPyConnection, source: Source, stream: str, path: Path, scratch: Path) -> None:
    with typed_table(connection, source, stream, scratch) as count:
        said = {**source.described(counted=False), "stream": stream, "records": {stream: count}}
        metadata = literal(msgspec.json.encode(said).decode())
        options = (
            f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP}, KV_METADATA {{'{FORMAT}': {metadata}}}"
        )
        copied = connection.execute(f"COPY (FROM {TABLE}) TO {literal(path)} ({options})").fetchone()
        check_rows(stream, copied[0] if copied else 0, count)
