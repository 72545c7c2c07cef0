"""Tables that were read: as NumPy, rows, pandas, polars or Arrow; and questions in SQL, which give one."""

import importlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from rlvitals.errors import MissingExtraError, QueryError, RunFormatError
from rlvitals.records import STREAMS
from rlvitals.runs.folder import RunFolder
from rlvitals.runs.queries import ask
from rlvitals.runs.relation import nested_fields
from rlvitals.runs.sandbox import check_functions, sandbox
from rlvitals.runs.sql_columns import identifier

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

Column = np.ma.MaskedArray[Any, Any]
"""Values in which those that are absent are masked; those that are not finite are not."""

_TABLE = "answer"
_WRONG = (
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.PermissionException,
)
"""What only a question can be blamed for."""
_QUESTIONS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI)
"""What asks (a `PIVOT` is several statements in one); anything else would write, or change the database."""
_NO_TABLE = "Table with name"
_EXTENSION = re.compile(r"but it exists in the (\S+) extension")
_NO_ACCESS = re.compile(r'Cannot access (?:file|directory) "(.*)" - ', re.DOTALL)
_COUNT = re.compile(r"\bcount\s*\(\s*\*\s*\)", re.IGNORECASE)


class Answer:
    """The rows that a question gave, in the order in which it gave them. It stays as it is, whatever the run does.

    Args:
        tables: The database that holds them, which the answer keeps.
        table: The table's name.
    """

    def __init__(self, tables: duckdb.DuckDBPyConnection, table: str = _TABLE) -> None:
        self._relation = tables.table(table)
        self._tables = tables

    def __repr__(self) -> str:
        return f"Answer({len(self)} rows of {', '.join(self.names)})"

    def __len__(self) -> int:
        return self._relation.shape[0]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        names = self.names
        return (dict(zip(names, row, strict=True)) for row in self.rows())

    def __getitem__(self, name: str) -> Column:
        return self.numpy()[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(self._relation.columns)

    def rows(self) -> list[tuple[Any, ...]]:
        """The rows, as plain Python values; `None` is absent."""
        return self._relation.fetchall()

    def numpy(self) -> dict[str, Column]:
        """The columns, as masked arrays."""
        return {name: np.ma.asarray(column) for name, column in self._relation.fetchnumpy().items()}

    def pandas(self) -> "pd.DataFrame":
        """The table as a pandas frame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return to_pandas(self._relation)

    def polars(self) -> "pl.DataFrame":
        """The table as a polars frame.

        Raises:
            MissingExtraError: polars is not installed.
        """
        return to_polars(self._relation)

    def arrow(self) -> "pa.Table":
        """The table as an Arrow table.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        return to_arrow(self._relation)


_OF_TABLES = re.compile(r"\b(show|tables|views|columns|information_schema|duckdb_\w+)\b", re.IGNORECASE)
"""What a question about the tables themselves says: it names none of them."""


def query(runs: RunFolder | Sequence[RunFolder], sql: str) -> Answer:
    """Answer a question in SQL, as DuckDB speaks it.

    Each stream is a table: `episodes`, `updates`, `evaluations`, `system`, `scalars`, `events`. Entries of dicts are
    asked for as `parameters.filter_speckle`. Branches that a rewind left behind are left out. In tables of several runs
    the column `run` says which run a row is of.

    A query reads nothing but the run folders: no other file, no network, no extension of DuckDB.

    Args:
        runs: A run, or several as one.
        sql: One question (`SELECT`, `FROM`, `DESCRIBE`, `SUMMARIZE`, `PIVOT`, ...). Moments that it gives
            (`to_timestamp(time)`) are UTC.

    Raises:
        QueryError: It is wrong, or it is more than a question.
        RunFormatError: A segment is damaged.
    """
    asked = _one_question(sql)
    check_functions(asked)
    tables = sandbox(folders=(run.path.absolute() for run in ([runs] if isinstance(runs, RunFolder) else runs)))
    streams = [name for name in STREAMS if re.search(rf"\b{name}\b", asked, re.IGNORECASE)]
    if not streams and _OF_TABLES.search(asked):
        streams = list(STREAMS)

    failed: list[duckdb.Error] = []

    def nested(stream: str) -> list[str]:
        return _nested(asked, stream)

    def answered(views: duckdb.DuckDBPyConnection) -> None:
        try:
            # On lines of its own, as it may end with a comment.
            views.execute(f"CREATE OR REPLACE TABLE {_TABLE} AS FROM (\n{asked}\n)")
            _leave_zones(views)
        except _WRONG as error:
            raise QueryError(_reason(error)) from None
        except duckdb.Error as error:
            failed.append(error)
            raise

    try:
        ask(runs, answered, *streams, nested=nested, connection=tables)
    except RunFormatError:
        if not failed:
            raise
        # Either the question failed (a text is no number, a file of its own is not there), or what it is put to.
        ask(runs, lambda views: _read_all(views, streams), *streams, nested=nested, connection=tables)
        raise QueryError(_reason(failed[-1])) from None
    return Answer(tables)


def _leave_zones(tables: duckdb.DuckDBPyConnection) -> None:
    """Make moments of a zone (`to_timestamp(time)`, `now()`) moments of UTC, without one.

    The database gives them to Python through a package that is no dependency, and in the zone of the machine.
    """
    shown = []
    for name, kind, *_ in tables.execute(f"DESCRIBE {_TABLE}").fetchall():
        column = identifier(name)
        if kind == "TIMESTAMP WITH TIME ZONE":
            shown.append(f"CASE WHEN isfinite({column}) THEN make_timestamp(epoch_us({column})) END AS {column}")
        elif "WITH TIME ZONE" in kind:
            shown.append(f"{column}::VARCHAR AS {column}")
    if shown:
        tables.execute(f"CREATE OR REPLACE TABLE {_TABLE} AS SELECT * REPLACE ({', '.join(shown)}) FROM {_TABLE}")


def _read_all(views: duckdb.DuckDBPyConnection, streams: Sequence[str]) -> None:
    for stream in streams:
        # Of the values themselves: counts and extremes are taken from what a segment says of its columns.
        views.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM {stream}").fetchall()


def to_pandas(relation: duckdb.DuckDBPyRelation) -> "pd.DataFrame":
    """Rows as a pandas frame.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    _need("pandas", "a pandas frame", "pandas")
    frame: pd.DataFrame = relation.df()
    return frame


def to_polars(relation: duckdb.DuckDBPyRelation) -> "pl.DataFrame":
    """Rows as a polars frame.

    Raises:
        MissingExtraError: polars or pyarrow, through which it is made, is not installed.
    """
    for module in ("polars", "pyarrow"):
        _need(module, "a polars frame", "polars")
    frame: pl.DataFrame = relation.pl()
    return frame


def to_arrow(relation: duckdb.DuckDBPyRelation) -> "pa.Table":
    """Rows as an Arrow table.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    _need("pyarrow", "an Arrow table", "arrow")
    table: pa.Table = relation.to_arrow_table()
    return table


def _need(module: str, what: str, extra: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError:
        raise MissingExtraError(what, extra=extra, module=module) from None


def _one_question(sql: str) -> str:
    if not sql.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in sql):
        raise QueryError(f"the question is not all text: {sql!a:.200}")
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise QueryError(_reason(error)) from None
    if len(statements) != 1:
        raise QueryError(f"one question at a time, got {len(statements)}: {sql!r:.200}")
    kind = statements[0].type
    if kind not in _QUESTIONS:
        raise QueryError(f"a run is only read: {kind.name} is an order, and a question begins with SELECT or FROM")
    return statements[0].query.strip().rstrip(";")


def _nested(sql: str, stream: str) -> list[str]:
    """The dicts that a question may mean: reading all of them always would cost the simple ones much."""
    every = "*" in _COUNT.sub("", sql) or not re.search(r"\bselect\b", sql, re.IGNORECASE)
    fields = nested_fields(STREAMS[stream])
    return [name for name in fields if every or re.search(rf"\b{name}(\b|_)", sql, re.IGNORECASE)]


def _reason(error: Exception) -> str:
    """What was wrong, without the drawing of the place; DuckDB's hints are in the first lines."""
    text = str(error).partition("\n\nLINE ")[0]
    if outside := _NO_ACCESS.search(text):
        return (
            f"the query reads {outside[1]!r:.200}, which is not in a run folder of this query. A query reads only its "
            "runs; to join other data, export the run (`rlvitals export`) and query the file with DuckDB."
        )
    if needed := _EXTENSION.search(text):
        return f"{text.partition(', but')[0]}. It needs DuckDB's extension {needed[1]!r}; a query loads no extensions."
    if _NO_TABLE in text:  # its hint would be a table of the database's own
        text = f"{text.partition('Did you mean')[0].strip()} The tables are {', '.join(STREAMS)}."
    return " ".join(text.split())
