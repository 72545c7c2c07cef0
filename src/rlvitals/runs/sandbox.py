"""Sandboxed database for untrusted queries and files: it reads only the given folders and files."""

import functools
import re
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path

import duckdb

from rlvitals.errors import QueryError
from rlvitals.runs.sql_columns import connected, database, glob_escaped, literal

_PURE = frozenset(
    {
        *("generate_series", "range", "repeat", "repeat_row", "unnest", "summary"),
        *("json_each", "json_tree", "pg_timezone_names", "icu_calendar_names"),
        *("pragma_table_info", "duckdb_columns", "duckdb_functions", "duckdb_tables", "duckdb_types", "duckdb_views"),
    }
)
"""Table functions that only compute values or describe the tables."""
_FILES = frozenset(
    {
        *("glob", "read_blob", "read_text", "read_csv", "read_csv_auto", "sniff_csv"),
        *("read_json", "read_json_auto", "read_json_objects", "read_json_objects_auto"),
        *("read_ndjson", "read_ndjson_auto", "read_ndjson_objects"),
        *("read_parquet", "parquet_scan", "parquet_metadata", "parquet_schema"),
        *("parquet_file_metadata", "parquet_kv_metadata"),
    }
)
"""Table functions that read files. The database checks whether each file is allowed."""
_BETWEEN = r'"?\s*(?:/\*.*?\*/\s*|--[^\n]*\n\s*)*\('
"""Pattern for the spaces and comments between a function name and its arguments."""


def sandbox(*, folders: Iterable[Path] = (), files: Iterable[Path] = ()) -> duckdb.DuckDBPyConnection:
    """Open a database in memory that reads only these folders and files, and whose settings are locked.

    The database has no network access and loads no extensions. Data that does not fit into memory is written to a new
    temporary folder, which the database removes.

    Args:
        folders: Folders that can be read, including their subfolders. DuckDB 1.5 and later refuses links that lead
            outside them.
        files: Files that can be read.
    """
    spilled = Path(tempfile.gettempdir()) / f"rlvitals-{secrets.token_hex(8)}"
    tables = database(temp_directory=str(spilled), allow_persistent_secrets="false")
    tables.execute(f"SET allowed_directories = [{_listed(folders)}]")
    tables.execute(f"SET allowed_paths = [{_listed(files)}]")
    tables.execute("SET enable_external_access = false")
    tables.execute("SET lock_configuration = true")
    return tables


def check_functions(sql: str) -> None:
    """Refuse a query with table functions that change settings or run SQL from a string.

    The settings are locked, but some DuckDB releases fail or end the process when a query tries to change them.

    Raises:
        QueryError: The query calls such a function.
    """
    found = _refused().search(sql)
    if found:
        raise QueryError(
            f"the function {found[1]}() is not available in a query. A query reads the run's tables and files only; "
            "remove the function, or export the run (`rlvitals export`) and query the file with DuckDB."
        )


@functools.cache
def _refused() -> re.Pattern[str]:
    """Return a pattern for calls of every table function of this DuckDB release that is not known to be harmless.

    The pattern is applied to the query text, because a parser would miss calls in text that it cannot parse. A string
    literal that looks like a call is refused too.
    """
    with connected() as tables:
        rows = tables.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('table', 'table_macro')"
        ).fetchall()
    names = sorted({str(name).lower() for (name,) in rows} - _PURE - _FILES)
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, names))}){_BETWEEN}", re.IGNORECASE | re.DOTALL)


def _listed(paths: Iterable[Path]) -> str:
    """Return paths as a SQL list, both unchanged and with escaped wildcards, because queries use the escaped form."""
    given = list(map(str, paths))
    return ", ".join(map(literal, {**dict.fromkeys(given), **dict.fromkeys(map(glob_escaped, given))}))
