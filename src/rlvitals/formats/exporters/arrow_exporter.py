"""A run as Arrow: a folder with an IPC file a stream, or one file of one stream."""

from pathlib import Path
from typing import Any, ClassVar

import duckdb

from rlvitals.formats.exporters.typed_tables import TABLE, TableFileExporter
from rlvitals.runs.export_marker import FORMAT
from rlvitals.sinks.lazy_destination import load, require

_BATCH = 50_000


class ArrowExporter(TableFileExporter):
    """Writes `episodes.arrow`, ... and `header.json` into a folder, or one stream to an `.arrow` or `.feather` file.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """

    endings: ClassVar[tuple[str, ...]] = (".arrow", ".feather", ".ipc")

    def __init__(self) -> None:
        require("pyarrow", feature="the Arrow format", extra="arrow")

    def write_table(self, connection: duckdb.DuckDBPyConnection, metadata: bytes, path: Path) -> int:
        """Write the rows in batches, so that a long stream needs little memory."""
        arrow: Any = load("pyarrow")
        rows = connection.table(TABLE)
        # `fetch_record_batch` is the name before DuckDB 1.5, and warns after it.
        batches = rows.to_arrow_reader(_BATCH) if hasattr(rows, "to_arrow_reader") else rows.fetch_record_batch(_BATCH)
        schema = batches.schema.with_metadata({FORMAT: metadata})
        written = 0
        with arrow.OSFile(str(path), "wb") as file, arrow.ipc.new_file(file, schema) as writer:
            for batch in batches:
                writer.write_batch(batch.replace_schema_metadata(schema.metadata))
                written += batch.num_rows
        return written
