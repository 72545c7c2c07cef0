"""Export to Parquet: a folder with one file per stream, or a single file with one stream."""

from pathlib import Path
from typing import ClassVar

import duckdb

from rlvitals.formats.exporters.typed_tables import TABLE, TableFileExporter
from rlvitals.runs.export_marker import FORMAT
from rlvitals.runs.sql_columns import literal

_ROW_GROUP = 100_000


class ParquetExporter(TableFileExporter):
    """Exporter for Parquet: a folder with `episodes.parquet`, ... and `header.json`, or one `.parquet` file."""

    endings: ClassVar[tuple[str, ...]] = (".parquet",)

    def write_table(self, connection: duckdb.DuckDBPyConnection, metadata: bytes, path: Path) -> int:
        """Copy the rows with DuckDB's Parquet writer."""
        options = (
            f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP}, "
            f"KV_METADATA {{'{FORMAT}': {literal(metadata.decode())}}}"
        )
        copied = connection.execute(f"COPY (FROM {TABLE}) TO {literal(path)} ({options})").fetchone()
        return copied[0] if copied else 0
