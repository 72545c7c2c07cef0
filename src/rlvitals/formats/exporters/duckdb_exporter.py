"""Export to a DuckDB database."""

from pathlib import Path
from typing import ClassVar

import msgspec

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.formats.exporters.typed_tables import TABLE, check_rows, opened, typed_table
from rlvitals.runs.sql_columns import identifier, literal

RUN_TABLE = "run"


class DuckdbExporter(Exporter):
    """Exporter for DuckDB: one table per stream with the columns of a sealed segment, and a table `run` for the header.

    Queries such as `SELECT avg(reward), parameters.mode FROM episodes GROUP BY ALL` work as on the run's own segments.
    """

    endings: ClassVar[tuple[str, ...]] = (".duckdb",)

    def export(self, source: Source, target: Path) -> None:
        """Write the database."""
        with opened(target.parent) as connection:
            connection.execute(f"ATTACH {literal(target)} AS target")
            for stream in source.streams:
                with typed_table(connection, source, stream, target.parent) as count:
                    table = f"target.{identifier(stream)}"
                    connection.execute(f"CREATE TABLE {table} AS FROM {TABLE}")
                    rows = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
                    check_rows(stream, rows[0] if rows else 0, count)
            connection.execute(f"CREATE TABLE target.{RUN_TABLE} (key VARCHAR, value VARCHAR)")
            said = [(key, msgspec.json.encode(value).decode()) for key, value in source.described().items()]
            connection.executemany(f"INSERT INTO target.{RUN_TABLE} VALUES (?, ?)", said)
            connection.execute("DETACH target")
