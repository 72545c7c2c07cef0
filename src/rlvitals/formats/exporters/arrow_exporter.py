"""Export to Arrow: a folder with one IPC file per stream, or a single file with one stream."""

from pathlib import Path
from typing import Any, ClassVar

import duckdb

from rlvitals.formats.exporters.typed_tables import TABLE, TableFileExporter
from rlvitals.runs.export_marker import FORMAT
from rlvitals.sinks.lazy_destination import load, require

_BATCH = 50_000


class ArrowExporter(TableFileExporter):
    """Exporter for Arrow: a folder with `episodes.arrow`, ... and `header.json`, or one `.arrow` or `.feather` file.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """

    endings: ClassVar[tuple[str, ...]] = (".arrow", ".feather", ".ipc")

    def __init__(self) -> None:
        require("pyarrow", feature="the Arrow format", extra="arrow")

    def write_table(self, connection: duckdb.DuckDBPyConnection, metadata: bytes, path: Path) -> int:
        """Write the rows in batches to limit memory use for long streams."""
        arrow: Any = load("pyarrow")
        rows = connection.table(TABLE)
        # DuckDB 1.5 renamed `fetch_record_batch`; the old name now raises a deprecation warning.
        batches = rows.to_arrow_reader(_BATCH) if hasattr(rows, "to_arrow_reader") else rows.fetch_record_batch(_BATCH)
        schema = batches.schema.with_metadata({FORMAT: metadata})
        written = 0
        with arrow.OSFile(str(path), "wb") as file, arrow.ipc.new_file(file, schema) as writer:
            for batch in batches:
                writer.write_batch(batch.replace_schema_metadata(schema.metadata))
                written += batch.num_rows
        return written
