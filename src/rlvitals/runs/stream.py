"""Reading of a stream of a run by columns."""

import difflib
import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from rlvitals.errors import ColumnError
from rlvitals.records import STREAMS
from rlvitals.records.schema import fields
from rlvitals.runs.answer import Column, to_arrow, to_pandas, to_polars
from rlvitals.runs.entries import MOST_AT_ONCE, Entries, Entry
from rlvitals.runs.folder import RunFolder
from rlvitals.runs.queries import ask, last_records
from rlvitals.runs.relation import kept_rows
from rlvitals.runs.sql_columns import identifier

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

T = TypeVar("T")

_MANY = 1_000
"""Number of columns from which the size of a table is checked."""
_MOST_CELLS = 100_000_000
"""Maximum number of cells of such a table, about 1 GB."""
_SHOWN = 100
_NEAR = 3


class Stream:
    """One stream of a run. Columns are read lazily, and only the requested columns are read.

    A column is a field of the records, or an entry of a dict field such as `parameters.filter_speckle`. It is a masked
    array in which missing values are masked; NaN and infinite values are not. Each call reads the current state of the
    run. For a live run, use one call of `read` for columns whose rows must match. Entries with values of several types
    are text.

    Args:
        run: Run to read.
        name: Stream name.
        abandoned: Whether to include records of branches that a rewind abandoned.
    """

    def __init__(self, run: RunFolder, name: str, *, abandoned: bool = False) -> None:
        self.run = run
        self.name = name
        self.abandoned = abandoned
        self._fields = {field.name: field for field in fields(STREAMS[name])}

    def __repr__(self) -> str:
        return f"Stream({str(self.run.path)!r}, {self.name!r})"

    def __len__(self) -> int:
        return self._ask(lambda tables: _one(tables, f"SELECT count(*) FROM {self._view}"))

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the records."""
        return self.run.records(self.name, abandoned=self.abandoned)

    def __getitem__(self, name: str) -> Column:
        """Return one column.

        Raises:
            ColumnError: The stream has no column with that name.
        """
        return self.read(name)[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that have a value: fields and dict entries."""
        return self._ask(self._said)

    def read(self, *names: str) -> dict[str, Column]:
        """Read several columns with the same rows.

        Args:
            *names: Column names; by default all columns that have a value.

        Returns:
            The columns by name, each of shape `(n,)`.

        Raises:
            ColumnError: The stream has no column with that name, or all columns together would fill the memory.
            RunFormatError: A segment is damaged.
        """
        return self._ask(lambda tables: self._numpy(tables, names))

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return one column of numbers, with NaN for missing values, shape `(n,)`.

        Raises:
            ColumnError: The stream has no column with that name, or the column contains text.
        """
        column = self[name]
        if column.dtype == object:
            raise ColumnError(f"{self.name}: the column {name!r} contains text, not numbers. Read it with [{name!r}].")
        return np.asarray(np.ma.filled(column.astype(np.float64), np.nan), dtype=np.float64)

    def last(self, count: int) -> list[Any]:
        """Return the last `count` records, oldest first. Only the end of the stream is read."""
        return last_records(self.run, self.name, count)

    def pandas(self, *names: str) -> "pd.DataFrame":
        """Read columns as a pandas data frame. Missing values stay missing.

        Args:
            *names: Column names; by default all columns that have a value.

        Raises:
            MissingExtraError: pandas is not installed.
            ColumnError: The stream has no column with that name.
        """
        return self._framed(names, to_pandas, _with_columns, _pandas_joined)

    def polars(self, *names: str) -> "pl.DataFrame":
        """Read columns as a polars data frame. Missing values are null.

        Args:
            *names: Column names; by default all columns that have a value.

        Raises:
            MissingExtraError: polars is not installed.
            ColumnError: The stream has no column with that name.
        """
        return self._framed(names, to_polars, _with_columns, _polars_joined)

    def arrow(self, *names: str) -> "pa.Table":
        """Read columns as an Arrow table. Missing values are null.

        Args:
            *names: Column names; by default all columns that have a value.

        Raises:
            MissingExtraError: pyarrow is not installed.
            ColumnError: The stream has no column with that name.
        """
        return self._framed(names, to_arrow, lambda table, wanted: table.rename_columns(wanted), _arrow_joined)

    @property
    def _view(self) -> str:
        return identifier(self.name)

    def _ask(self, question: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        return ask(self.run, question, self.name, nested=lambda _: self._trees, abandoned=self.abandoned)

    def _numpy(self, tables: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> dict[str, Column]:
        wanted = self._wanted(tables, names)
        found, others = self._listed(wanted)
        for part, relation in self._relations(tables, others):
            columns = relation.fetchnumpy().values()
            found |= {name: np.ma.asarray(column) for name, column in zip(part, columns, strict=True)}
        return {name: found[name] for name in wanted.names}

    def _framed(
        self,
        names: tuple[str, ...],
        framed: Callable[[duckdb.DuckDBPyRelation], T],
        named: Callable[[T, list[str]], T],
        joined: Callable[[list[T], dict[str, Column], list[str]], T],
    ) -> T:
        def frame(tables: duckdb.DuckDBPyConnection) -> T:
            wanted = self._wanted(tables, names or self._said(tables) or ("time",))  # a table has at least one column
            listed, others = self._listed(wanted)
            frames = [named(framed(relation), part) for part, relation in self._relations(tables, others)]
            return frames[0] if len(frames) == 1 and not listed else joined(frames, listed, wanted.names)

        return self._ask(frame)

    def _wanted(self, tables: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> "_Wanted":
        """Find the requested columns.

        Raises:
            ColumnError: The stream has no column with that name, or there are too many columns to read all.
        """
        chosen = list(dict.fromkeys(names or self._said(tables)))
        rows = _one(tables, f"SELECT count(*) FROM {self._view}")
        if not names:
            self._refuse_too_many(chosen, rows)
        entries = Entries(tables, self.name, self.run.layout.segments(self.name))
        plain = set(self._plain)
        dotted = [self._entry(name, entries) for name in chosen if name not in plain]
        types = entries.types(dotted) if dotted else {}
        for missing in (entry for entry in dotted if entry not in types):
            raise self._unknown(".".join(missing), entries)
        return _Wanted(chosen, rows, entries, types)

    def _listed(self, wanted: "_Wanted") -> tuple[dict[str, Column], "_Wanted"]:
        """Read the columns that occur only in JSON, if there are many columns. Return them and the other columns."""
        if len(wanted.types) <= MOST_AT_ONCE:
            return {}, wanted
        untyped = wanted.entries.untyped(wanted.types)
        columns = wanted.entries.columns(untyped, rows=wanted.rows, where=self._kept)
        listed = {".".join(entry): column for entry, column in columns.items()}
        return listed, wanted._replace(names=[name for name in wanted.names if name not in listed])

    def _relations(
        self, tables: duckdb.DuckDBPyConnection, wanted: "_Wanted"
    ) -> Iterator[tuple[list[str], duckdb.DuckDBPyRelation]]:
        """Yield the columns in their order, `MOST_AT_ONCE` at a time, with the same rows."""
        plain = self._plain
        for start in range(0, len(wanted.names), MOST_AT_ONCE):
            part = wanted.names[start : start + MOST_AT_ONCE]
            chosen = {entry: wanted.types[entry] for entry in map(_split, part) if entry in wanted.types}
            places = {".".join(entry): f"e{place}" for place, entry in enumerate(chosen)}
            source = wanted.entries.sql(plain, chosen)
            # Columns are named by position, because SQL treats `a` and `A` as the same name.
            shown = [f"{places.get(name) or identifier(name)} AS c{place}" for place, name in enumerate(part)]
            # The limit excludes rows that a live run gained after its rows were counted.
            yield part, tables.sql(f"SELECT {', '.join(shown)} FROM {source} WHERE {self._kept} LIMIT {wanted.rows}")

    @property
    def _kept(self) -> str:
        """The SQL condition for the rows to read."""
        return "true" if self.abandoned else kept_rows(self.run, self.name)

    def _refuse_too_many(self, wanted: Sequence[str], rows: int) -> None:
        if len(wanted) > _MANY and rows * len(wanted) > _MOST_CELLS:
            raise ColumnError(
                f"{self.name}: {len(wanted):,} columns of {rows:,} rows each do not fit into memory as one table. "
                f"Select columns, as in read({wanted[0]!r}, {wanted[-1]!r}), or iterate over the stream to read one "
                "record at a time."
            )

    def _entry(self, name: str, entries: Entries) -> Entry:
        """Return the dict field and the key of a column name."""
        if name in self._fields:
            keys = [f"{name}.{key}" for key in entries.names()[name]]
            raise ColumnError(f"{self.name}: {name!r} is a dict. Its columns: {_listed(keys) or 'none yet'}")
        if "." not in name or name.partition(".")[0] not in self._fields:
            raise self._unknown(name, entries)
        return _split(name)

    @property
    def _plain(self) -> list[str]:
        """The fields that are not dicts."""
        return [name for name, field in self._fields.items() if not field.column.is_dict]

    @property
    def _trees(self) -> list[str]:
        """The fields with nested values."""
        return [name for name, field in self._fields.items() if field.column.is_json]

    def _unknown(self, name: str, entries: Entries) -> ColumnError:
        dotted = [f"{field}.{key}" for field, keys in entries.names().items() for key in keys]
        known = [*self._plain, *dotted]
        near = difflib.get_close_matches(name, known if len(known) <= _MANY else _alike(name, known), n=3)
        hint = f"Did you mean {_listed(near)}?" if near else f"Its columns: {_listed(known)}"
        return ColumnError(f"{self.name} has no column {name!r}. {hint}")

    def _said(self, tables: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
        there = tables.sql(f"FROM {self._view}").columns
        here = [name for name in self._plain if name in there]
        counts = tables.execute(f"SELECT {', '.join(f'count({identifier(n)})' for n in here)} FROM {self._view}")
        said = {name for name, count in zip(here, counts.fetchall()[0], strict=True) if count}
        keys = Entries(tables, self.name, self.run.layout.segments(self.name)).names()
        return tuple(
            column
            for name, field in self._fields.items()
            for column in (
                [f"{name}.{key}" for key in keys[name]] if field.column.is_dict else [name] if name in said else []
            )
        )


class _Wanted(NamedTuple):
    """Requested columns: names, number of rows, and the dict entries with their types."""

    names: list[str]
    rows: int
    entries: Entries
    types: dict[Entry, str]


def _split(name: str) -> Entry:
    field, _, key = name.partition(".")
    return field, key


def _alike(name: str, known: Sequence[str]) -> list[str]:
    """Return names with the same beginning and a similar length, few enough for a comparison letter by letter."""
    field, key = _split(name)
    near = [one for one in known if one.startswith(f"{field}.{key[:2]}") and abs(len(one) - len(name)) <= _NEAR]
    return near[:_MANY]


def _one(tables: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(tables.execute(sql).fetchall()[0][0])


def _listed(names: Sequence[str]) -> str:
    more = f", and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _with_columns(frame: T, names: list[str]) -> T:
    frame.columns = names  # type: ignore[attr-defined] # pandas and polars alike
    return frame


def _pandas_joined(frames: "list[pd.DataFrame]", listed: dict[str, Column], names: list[str]) -> "pd.DataFrame":
    pandas = importlib.import_module("pandas")
    columns = pandas.DataFrame({name: _pandas_column(pandas, column) for name, column in listed.items()})
    joined: pd.DataFrame = pandas.concat([*frames, columns], axis=1)
    return joined[names]


def _pandas_column(pandas: Any, column: Column) -> Any:
    """Convert a column to the pandas type that DuckDB uses for it."""
    kind = column.dtype.kind
    if kind in "ib" and np.ma.is_masked(column):
        found = pandas.array(np.ma.getdata(column), dtype="Int64" if kind == "i" else "boolean")
        found[np.ma.getmaskarray(column)] = pandas.NA
        return found
    if kind == "O":
        texts = np.ma.getdata(column).copy()
        texts[np.ma.getmaskarray(column)] = None
        return texts
    return column.filled(np.nan) if kind == "f" else np.ma.getdata(column)


def _polars_joined(frames: "list[pl.DataFrame]", listed: dict[str, Column], names: list[str]) -> "pl.DataFrame":
    polars = importlib.import_module("polars")
    columns = [column for frame in frames for column in frame.get_columns()]
    joined: pl.DataFrame = polars.DataFrame([*columns, *polars.from_arrow(_arrow_of(listed)).get_columns()])
    return joined.select(names)


def _arrow_joined(tables: "list[pa.Table]", listed: dict[str, Column], names: list[str]) -> "pa.Table":
    columns: dict[str, Any] = {}
    for table in [*tables, _arrow_of(listed)]:
        columns |= dict(zip(table.column_names, table.columns, strict=True))
    return _arrow_of({}).from_arrays([columns[name] for name in names], names=names)


def _arrow_of(columns: dict[str, Column]) -> "pa.Table":
    arrow = importlib.import_module("pyarrow")
    kinds = {"O": arrow.string(), "f": arrow.float64(), "i": arrow.int64(), "b": arrow.bool_()}
    arrays = [
        arrow.array(np.ma.getdata(column), type=kinds[column.dtype.kind], mask=np.ma.getmaskarray(column))
        for column in columns.values()
    ]
    table: pa.Table = arrow.Table.from_arrays(arrays, names=list(columns))
    return table
