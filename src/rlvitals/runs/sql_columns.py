"""How the fields of records stand in SQL: as JSON in an open segment, as typed columns in a sealed one."""

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
"""Ending of the column that keeps, as JSON text, the entries of a dict that fit into no typed column."""

_MAX_STRUCT_KEYS = 512
SQL_TYPE = {
    Column.NUMBER: "DOUBLE",
    Column.COUNT: "BIGINT",
    Column.TEXT: "VARCHAR",
    Column.FLAG: "BOOLEAN",
    Column.VALUES: "JSON",
    Column.NUMBERS: "JSON",
    Column.TREE: "JSON",
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
"""Nothing is downloaded, whatever a file or a query needs, and the name of a table never means a Python variable."""


def database(**settings: str | float) -> duckdb.DuckDBPyConnection:
    """Open a database in memory, which prints nothing and downloads nothing.

    By default, DuckDB draws a progress bar on the standard output of a notebook or a shell, which is the user's.

    Args:
        **settings: Settings of DuckDB.
    """
    connection = duckdb.connect(config={**_LOCAL, **{name: str(value) for name, value in settings.items()}})
    connection.execute("SET enable_progress_bar = false")
    return connection


@contextmanager
def connected(**settings: str | float) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database in memory for a block, which other threads can interrupt.

    Raises:
        ReadInterruptedError: The thread may not read any more.
    """
    with attached(lambda: database(**settings)) as connection:
        yield connection


@contextmanager
def attached(connect: Callable[[], duckdb.DuckDBPyConnection]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection for a block, which other threads can interrupt.

    Args:
        connect: Opens it.

    Raises:
        ReadInterruptedError: The thread may not read any more, or what it asked was interrupted.
    """
    with reading() as use:
        connection = connect()
        try:
            use.attach(connection)
            yield connection
        except duckdb.InterruptException as error:
            raise ReadInterruptedError(
                f"reading was interrupted: the run or the interpreter is closing ({error})"
            ) from None
        finally:
            use.attach(None)
            connection.close()


def literal(text: str | Path) -> str:
    """Quote a text for SQL."""
    quoted = "'" + str(text).replace("'", "''") + "'"
    if "\x00" in quoted:  # where SQL ends, before DuckDB 1.5
        quoted = "(" + quoted.replace("\x00", "' || chr(0) || '") + ")"
    return quoted


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def file_literal(path: Path) -> str:
    """Quote a path for SQL that reads it: DuckDB would take `*`, `?` and `[` for patterns, and read other files too."""
    return literal(glob_escaped(str(path)))


def glob_escaped(path: str) -> str:
    """The pattern that matches one path."""
    return re.sub(r"([*?\[])", r"[\1]", path)


def lines_source(kind: type[kinds.Record], paths: Iterable[Path], *, named: bool = False) -> str:
    """SQL for the rows of open segments; lines that are torn give no row. Named rows say their segment's `filename`."""
    names = ", ".join(map(file_literal, paths))
    columns = ", ".join(f"{literal(field.name)}: '{SQL_TYPE[field.column]}'" for field in fields(kind))
    return (
        f"(SELECT * FROM read_json([{names}], format = 'newline_delimited', ignore_errors = true, "
        f"maximum_object_size = 4194304, filename = {named}, columns = {{{columns}}}) WHERE time IS NOT NULL)"
    )


def sealed_source(paths: Iterable[Path], *, named: bool = False) -> str:
    """SQL for the rows of sealed segments. Named rows have their segment's `filename`."""
    return f"read_parquet([{', '.join(map(file_literal, paths))}], union_by_name = true, filename = {named})"


def pointer(key: str) -> str:
    """Where an entry is in a JSON dict (RFC 6901): unlike DuckDB's paths, a pointer takes any key as it is."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def typed_columns(
    connection: duckdb.DuckDBPyConnection,
    kind: type[kinds.Record],
    source: str,
    *,
    structs: bool = True,
    only: Container[str] | None = None,
) -> str:
    """SQL that makes the JSON dicts of a source into structs, one typed field a key.

    Keys whose values have no one type, whose name differs from another's in case only, or that are too many, go into
    a JSON column beside the struct, so that nothing is lost.

    Args:
        connection: A connection to DuckDB.
        kind: The kind of record.
        source: SQL for the rows of open segments.
        structs: Whether there are structs at all; else every key goes into the JSON columns, as it is.
        only: The fields that are wanted; by default all.
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
    """The keys of a column of JSON dicts, by name, each with the SQL type of its values; empty if they have several.

    Args:
        connection: A connection to DuckDB.
        source: SQL for the rows.
        column: The column.
        only: The keys that are wanted; by default all.
    """
    entries = f"{source} AS rows, json_each(rows.{column}) AS entry"
    keys = None if only is None else frozenset(only)
    if keys is not None and len(keys) <= _FEW_KEYS:  # looked up, not listed with all the others
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
    """Sort the keys of a dict column into those with one type (and that type) and the others."""
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
