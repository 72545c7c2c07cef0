"""SQL queries over runs, and their results as NumPy arrays, rows, pandas, polars or Arrow."""

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
"""Values of a column. Missing values are masked; non-finite values are not."""

_TABLE = "answer"
_WRONG = (
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.PermissionException,
)
"""Errors that are always caused by the query, and never by the data."""
_QUESTIONS = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN, duckdb.StatementType.MULTI)
"""Statements that only read (a `PIVOT` is several statements in one). Any other statement can change the database."""
_NO_TABLE = "Table with name"
_EXTENSION = re.compile(r"but it exists in the (\S+) extension")
_NO_ACCESS = re.compile(r'Cannot access (?:file|directory) "(.*)" - ', re.DOTALL)
_COUNT = re.compile(r"\bcount\s*\(\s*\*\s*\)", re.IGNORECASE)


class Answer:
    """Result rows of a query, in their order. Later changes of the run do not affect them.

    Args:
        tables: Database that contains the rows. The answer keeps it open.
        table: Name of the table with the rows.
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
        """The column names."""
        return tuple(self._relation.columns)

    def rows(self, most: int | None = None) -> list[tuple[Any, ...]]:
        """Return the first `most` rows, or all, as plain Python values. Missing values are `None`."""
        return (self._relation if most is None else self._relation.limit(most)).fetchall()

    def numpy(self) -> dict[str, Column]:
        """Return the columns as masked arrays."""
        return {name: np.ma.asarray(column) for name, column in self._relation.fetchnumpy().items()}

    def pandas(self) -> "pd.DataFrame":
        """Return the table as a pandas data frame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return to_pandas(self._relation)

    def polars(self) -> "pl.DataFrame":
        """Return the table as a polars data frame.

        Raises:
            MissingExtraError: polars is not installed.
        """
        return to_polars(self._relation)

    def arrow(self) -> "pa.Table":
        """Return the table as an Arrow table.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        return to_arrow(self._relation)


_OF_TABLES = re.compile(r"\b(show|tables|views|columns|information_schema|duckdb_\w+)\b", re.IGNORECASE)
"""Words in a query about the tables themselves, which need not name a table."""


def query(runs: RunFolder | Sequence[RunFolder], sql: str, most_rows: int | None = None) -> Answer:
    """Run a SQL query in the DuckDB dialect.

    Each stream is a table: `episodes`, `updates`, `evaluations`, `system`, `scalars`, `events`. Dict entries are
    columns such as `parameters.filter_speckle`. Records of branches that a rewind abandoned are left out. In tables of
    several runs, the column `run` names the run of each row.

    A query reads only the run folders. It cannot read other files, use the network or load DuckDB extensions.

    Args:
        runs: One run, or several runs whose records are combined.
        sql: One read-only statement (`SELECT`, `FROM`, `DESCRIBE`, `SUMMARIZE`, `PIVOT`, ...). Timestamps in the
            result (`to_timestamp(time)`) are in UTC.
        most_rows: Maximum number of rows; by default all. Further rows are not computed if the query permits it.

    Raises:
        QueryError: The query is invalid, or is not read-only.
        RunFormatError: A segment is damaged.
    """
    asked = _one_question(sql)
    check_functions(asked)
    tables = sandbox(folders=(run.path.absolute() for run in ([runs] if isinstance(runs, RunFolder) else runs)))
    streams = [name for name in STREAMS if re.search(rf"\b{name}\b", asked, re.IGNORECASE)]
    if not streams and _OF_TABLES.search(asked):
        streams = list(STREAMS)

    limit = "" if most_rows is None else f" LIMIT {most_rows:d}"
    failed: list[duckdb.Error] = []

    def nested(stream: str) -> list[str]:
        return _nested(asked, stream)

    def answered(views: duckdb.DuckDBPyConnection) -> None:
        try:
            # The query is on separate lines, because it can end with a comment.
            views.execute(f"CREATE OR REPLACE TABLE {_TABLE} AS FROM (\n{asked}\n){limit}")
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
        # The cause is either the query (such as a failed cast or a missing file) or a damaged segment. Reading all
        # values of the streams raises the error again if a segment is damaged.
        ask(runs, lambda views: _read_all(views, streams), *streams, nested=nested, connection=tables)
        raise QueryError(_reason(failed[-1])) from None
    return Answer(tables)


def _leave_zones(tables: duckdb.DuckDBPyConnection) -> None:
    """Convert timestamps with a time zone (`to_timestamp(time)`, `now()`) to UTC timestamps without one.

    DuckDB converts timestamps with a time zone to the local zone, and needs a package for it that rlvitals does not
    depend on.
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
        # Hash the values, so that they are read: DuckDB takes counts and extremes from the segment metadata.
        views.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM {stream}").fetchall()


def to_pandas(relation: duckdb.DuckDBPyRelation) -> "pd.DataFrame":
    """Return the rows as a pandas data frame.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    _need("pandas", "a pandas data frame", "pandas")
    frame: pd.DataFrame = relation.df()
    return frame


def to_polars(relation: duckdb.DuckDBPyRelation) -> "pl.DataFrame":
    """Return the rows as a polars data frame.

    Raises:
        MissingExtraError: polars, or pyarrow, which the conversion needs, is not installed.
    """
    for module in ("polars", "pyarrow"):
        _need(module, "a polars data frame", "polars")
    frame: pl.DataFrame = relation.pl()
    return frame


def to_arrow(relation: duckdb.DuckDBPyRelation) -> "pa.Table":
    """Return the rows as an Arrow table.

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
        raise QueryError(f"the query contains lone surrogates, which are invalid Unicode: {sql!a:.200}; remove them")
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise QueryError(_reason(error)) from None
    if len(statements) != 1:
        raise QueryError(
            f"a query must be one statement, got {len(statements)}: {sql!r:.200}; pass a single SELECT statement"
        )
    kind = statements[0].type
    if kind not in _QUESTIONS:
        raise QueryError(f"only read-only queries are allowed, got {kind.name}. Start the query with SELECT or FROM.")
    return statements[0].query.strip().rstrip(";")


def _nested(sql: str, stream: str) -> list[str]:
    """Return the dict fields that a query can refer to. Reading all of them would slow down simple queries."""
    every = "*" in _COUNT.sub("", sql) or not re.search(r"\bselect\b", sql, re.IGNORECASE)
    fields = nested_fields(STREAMS[stream])
    return [name for name in fields if every or re.search(rf"\b{name}(\b|_)", sql, re.IGNORECASE)]


def _reason(error: Exception) -> str:
    """Return the message of a DuckDB error, with its hints but without the excerpt that marks the position."""
    text = str(error).partition("\n\nLINE ")[0]
    if outside := _NO_ACCESS.search(text):
        return (
            f"the query reads {outside[1]!r:.200}, which is not in a run folder of this query. A query reads only its "
            "runs; to join other data, export the run (`rlvitals export`) and query the file with DuckDB."
        )
    if needed := _EXTENSION.search(text):
        return f"{text.partition(', but')[0]}. It needs DuckDB's extension {needed[1]!r}; a query loads no extensions."
    if _NO_TABLE in text:  # DuckDB would suggest one of its internal tables
        text = f"{text.partition('Did you mean')[0].strip()} The tables are {', '.join(STREAMS)}."
    return " ".join(text.split())
