"""SQL for the fields of records: JSON columns in open segments, typed columns in sealed segments."""

import itertools
import json
import re
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from rlvitals.errors import ReadInterruptedError
from rlvitals.records import kinds
from rlvitals.records.schema import Column, fields
from rlvitals.runs.interruption import reading

REST = "_rest"
"""Suffix of the column with those entries of a dict, as JSON text, that do not fit into a typed column."""

_MAX_STRUCT_KEYS = 512
SQL_TYPE = {
    Column.NUMBER: "DOUBLE",
    Column.COUNT: "BIGINT",
    Column.TEXT: "VARCHAR",
    Column.FLAG: "BOOLEAN",
    Column.VALUES: "JSON",
    Column.NUMBERS: "JSON",
    Column.TREE: "JSON",
    Column.ROWS: "JSON",
}
_LARGEST_EXACT = 2**53
_FEW_KEYS = 16


_LOCAL = dict.fromkeys(
    (
        "autoinstall_known_extensions",
        "autoload_known_extensions",
        "allow_community_extensions",
        "python_enable_replacements",
    ),
    "false",
)
"""Settings that prevent downloads, and prevent table names from referring to Python variables."""


def database(**settings: str | float) -> duckdb.DuckDBPyConnection:
    """Open a database in memory that prints nothing and downloads nothing.

    By default, DuckDB draws a progress bar on the standard output of a notebook or shell.

    Args:
        **settings: DuckDB settings.
    """
    connection = duckdb.connect(config={**_LOCAL, **{name: str(value) for name, value in settings.items()}})
    connection.execute("SET enable_progress_bar = false")
    return connection


@contextmanager
def connected(**settings: str | float) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory for a `with` block. Other threads can interrupt its queries.

    Raises:
        ReadInterruptedError: The thread is no longer allowed to read.
    """
    with attached(lambda: database(**settings)) as connection:
        yield connection


@contextmanager
def attached(connect: Callable[[], duckdb.DuckDBPyConnection]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection for a `with` block. Other threads can interrupt its queries.

    Args:
        connect: Function that opens the connection.

    Raises:
        ReadInterruptedError: The thread is no longer allowed to read, or its query was interrupted.
    """
    with reading() as use:
        connection = connect()
        try:
            use.attach(connection)
            yield connection
        except duckdb.InterruptException as error:
            raise ReadInterruptedError(
                f"reading was interrupted because the run or the interpreter is closing ({error})"
            ) from None
        finally:
            use.attach(None)
            connection.close()


def literal(text: str | Path) -> str:
    """Quote a text for SQL."""
    quoted = "'" + str(text).replace("'", "''") + "'"
    if "\x00" in quoted:  # DuckDB before 1.5 ends the statement there
        quoted = "(" + quoted.replace("\x00", "' || chr(0) || '") + ")"
    return quoted


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def file_literal(path: Path) -> str:
    """Quote a path for SQL that reads it. DuckDB would treat `*`, `?` and `[` as wildcards and read other files too."""
    return literal(glob_escaped(str(path)))


def glob_escaped(path: str) -> str:
    """Return the pattern that matches exactly one path."""
    return re.sub(r"([*?\[])", r"[\1]", path)


def lines_source(kind: type[kinds.Record], paths: Iterable[Path], *, named: bool = False) -> str:
    """Return SQL for the rows of open segments. Torn lines are skipped.

    Args:
        kind: Record class of the segments.
        paths: Segments to read.
        named: Whether the rows have the column `filename` with the path of their segment.
    """
    names = ", ".join(map(file_literal, paths))
    columns = ", ".join(f"{literal(field.name)}: '{SQL_TYPE[field.column]}'" for field in fields(kind))
    return (
        f"(SELECT * FROM read_json([{names}], format = 'newline_delimited', ignore_errors = true, "
        f"maximum_object_size = 4194304, filename = {named}, columns = {{{columns}}}) WHERE time IS NOT NULL)"
    )


def sealed_source(paths: Iterable[Path], *, named: bool = False) -> str:
    """Return SQL for the rows of sealed segments.

    Args:
        paths: Segments to read.
        named: Whether the rows have the column `filename` with the path of their segment.
    """
    return f"read_parquet([{', '.join(map(file_literal, paths))}], union_by_name = true, filename = {named})"


def pointer(key: str) -> str:
    """Return the JSON pointer (RFC 6901) to an entry of a dict. Unlike a DuckDB path, a pointer works for any key."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def typed_columns(
    connection: duckdb.DuckDBPyConnection,
    kind: type[kinds.Record],
    source: str,
    *,
    structs: bool = True,
    only: Container[str] | None = None,
) -> str:
    """Return SQL that converts the JSON dicts of a source to structs with one typed field per key.

    A key goes into a separate JSON column if its values have several types, if it differs from another key only in
    case, or if there are too many keys. No entry is lost.

    Args:
        connection: DuckDB connection.
        kind: Record class of the rows.
        source: SQL for the rows of open segments.
        structs: Whether to use structs. If false, every key goes into the JSON columns.
        only: Fields to read; by default all.
    """
    parts: list[str] = []
    for field in fields(kind):
        if only is not None and field.name not in only:
            continue
        name = identifier(field.name)
        if not field.column.is_dict:
            parts.append("coalesce(writer, 1) AS writer" if field.name == "writer" else name)
            continue
        if not structs:
            parts.append(f"{name} AS {identifier(field.name + REST)}")
            continue
        struct, rest = _split_keys(connection, source, field.name)
        if struct:
            parts.append(f"json_transform({name}, {literal(json.dumps(struct))}) AS {name}")
        if rest:
            kept = ", ".join(literal(key) for key in rest)
            rest_name = identifier(field.name + REST)
            parts.append(
                f"(SELECT CASE WHEN count(*) > 0 THEN json_group_object(key, value) END FROM json_each({name}) "
                f"WHERE key IN ({kept})) AS {rest_name}"
            )
    return ", ".join(parts)


def key_types(
    connection: duckdb.DuckDBPyConnection, source: str, column: str, *, only: Iterable[str] | None = None
) -> list[tuple[str, str]]:
    """Return the keys of a column of JSON dicts, sorted, each with the SQL type of its values.

    The type is empty if the values have several types.

    Args:
        connection: DuckDB connection.
        source: SQL for the rows.
        column: Column with the dicts.
        only: Keys to return; by default all.
    """
    entries = f"{source} AS rows, json_each(rows.{column}) AS entry"
    keys = None if only is None else frozenset(only)
    if keys is not None and len(keys) <= _FEW_KEYS:  # look up these keys instead of listing all keys
        values = f"json_extract({column}, [{', '.join(literal(pointer(key)) for key in keys)}])"
        looked_up = f"SELECT unnest([{', '.join(map(literal, keys))}]) AS key, unnest({values}) AS atom FROM {source}"
        typed = f"SELECT key, atom, json_type(atom) AS type FROM ({looked_up}) WHERE atom IS NOT NULL"
        entries = f"({typed}) AS entry"
    rows = connection.execute(
        f"""
        SELECT entry.key, bool_and(entry.type = 'BOOLEAN'),
               bool_and(entry.type = 'VARCHAR' AND (entry.atom->>'$') NOT IN ('NaN', 'Infinity', '-Infinity')),
               bool_and(entry.type IN ('UBIGINT', 'BIGINT')),
               bool_and(CASE WHEN entry.type IN ('UBIGINT', 'BIGINT')
                             THEN abs(CAST(entry.atom AS HUGEINT)) <= {_LARGEST_EXACT}
                             ELSE entry.type = 'DOUBLE' OR
                                  (entry.type = 'VARCHAR' AND (entry.atom->>'$') IN ('NaN', 'Infinity', '-Infinity'))
                        END)
        FROM {entries}
        GROUP BY entry.key ORDER BY entry.key
        """
    ).fetchall()
    kinds = ("BOOLEAN", "VARCHAR", "BIGINT", "DOUBLE")
    return [(key, next(itertools.compress(kinds, fits), "")) for key, *fits in rows if keys is None or key in keys]


def _split_keys(connection: duckdb.DuckDBPyConnection, source: str, name: str) -> tuple[dict[str, str], list[str]]:
    """Split the keys of a dict column into typed keys with their type, and the remaining keys."""
    struct: dict[str, str] = {}
    rest: list[str] = []
    taken: set[str] = set()
    for key, kind in key_types(connection, source, identifier(name)):
        if not kind or not key or key.casefold() in taken or len(struct) >= _MAX_STRUCT_KEYS:
            rest.append(key)
        else:
            struct[key] = kind
            taken.add(key.casefold())
    return struct, rest
