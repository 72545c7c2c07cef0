"""A run as Arrow: a folder with an IPC file a stream, or one file of one stream."""

from pathlib import Path
from typing import Any, ClassVar

import duckdb
import msgspec

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.formats.exporters.typed_tables import TABLE, check_rows, opened, typed_table
from rlvitals.runs.export_marker import FORMAT
from rlvitals.sinks.lazy_destination import load, require

_BATCH = 50_000


class ArrowExporter(Exporter):
    """Writes `episodes.arrow`, ... and `header.json` into a folder.

    Where the path ends in `.arrow` or `.feather`, one stream becomes that file. Columns are those of a sealed segment,
    but that JSON is plain text. The header is in each file's metadata too.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """

    endings: ClassVar[tuple[str, ...]] = (".arrow", ".feather", ".ipc")

    def __init__(self) -> None:
        require("pyarrow", feature="the Arrow format", extra="arrow")

    def export(self, source: Source, target: Path) -> None:
        """Write the files."""
        if target.suffix.lower() in self.endings:
            with opened(target.parent) as connection:
                _write(connection, source, source.one_stream(), target, target.parent)
            return
        target.mkdir()
        with opened(target.parent) as connection:
            for stream in source.streams:
                _write(connection, source, stream, target / f"{stream}{self.endings[0]}", target.parent)
        source.write_header(target)


def _write(connection: duckdb.DuckDBPyConnection, source: Source, stream: str, path: Path, scratch: Path) -> None:
    arrow: Any = load("pyarrow")
    with typed_table(connection, source, stream, scratch) as count:
        rows = connection.table(TABLE)
        # `fetch_record_batch` is the name before DuckDB 1.5, and warns after it.
        batches = rows.to_arrow_reader(_BATCH) if hasattr(rows, "to_arrow_reader") else rows.fetch_record_batch(_BATCH)
        said = {**source.described(counted=False), "stream": stream, "records": {stream: count}}
        schema = batches.schema.with_metadata({FORMAT: msgspec.json.encode(said)})
        written = 0
        with arrow.OSFile(str(path), "wb") as file, arrow.ipc.new_file(file, schema) as writer:
            for batch in batches:
                writer.write_batch(batch.replace_schema_metadata(schema.metadata))
                written += batch.num_rows
        check_rows(stream, written, count)
