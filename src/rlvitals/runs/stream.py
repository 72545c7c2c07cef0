"""A stream of a run, as columns."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from rlvitals.errors import ColumnError
from rlvitals.records import STREAMS
from rlvitals.records.schema import Column as Kind
from rlvitals.records.schema import fields
from rlvitals.runs.answer import Column, to_arrow, to_pandas, to_polars
from rlvitals.runs.columns import REST, identifier, literal
from rlvitals.runs.folder import RunFolder
from rlvitals.runs.relation import nested_fields
from rlvitals.runs.table import ask, last_records

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

T = TypeVar("T")


class Stream:
    """One stream of a run. Nothing is read before it is asked for, and no more than is asked for.

    A column is a field of the stream's records, or an entry of a dict field: `parameters.filter_speckle`. It is a
    masked array: what is absent is masked; what is NaN or infinite is not. Each question sees the run as it then is: of
    a live run, ask for the columns that belong together at once (`read`). An entry whose values are of several types is
    text.

    Args:
        run: The run.
        name: The stream's name.
        abandoned: Whether records of branches that a rewind left behind are given too.
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
        """The records."""
        return self.run.records(self.name, abandoned=self.abandoned)

    def __getitem__(self, name: str) -> Column:
        """One column.

        Raises:
            ColumnError: There is none of that name.
        """
        return self.read(name)[name]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that have a value: fields, and entries of dicts."""
        return self._ask(self._said, nested_fields(STREAMS[self.name]))

    def read(self, *names: str) -> dict[str, Column]:
        """Several columns, of one moment, so that their rows belong together.

        Args:
            *names: The columns; by default all that have a value.

        Raises:
            ColumnError: There is none of that name.
            RunFormatError: A segment is damaged.
        """
        return self._ask(lambda tables: self._numpy(tables, names), self._nested(names))

    def numbers(self, name: str) -> NDArray[np.float64]:
        """One column of numbers, with NaN also where they are absent, shape `(n,)`.

        Raises:
            ColumnError: There is none of that name, or it holds no numbers.
        """
        column = self[name]
        if column.dtype == object:
            raise ColumnError(f"{self.name}: the column {name} holds text, not numbers: use [{name!r}]")
        return np.asarray(np.ma.filled(column.astype(np.float64), np.nan), dtype=np.float64)

    def last(self, count: int) -> list[Any]:
        """The last records, oldest first; the rest of the stream is not read."""
        return last_records(self.run, self.name, count)

    def pandas(self, *names: str) -> "pd.DataFrame":
        """Columns as a pandas frame; what is absent is a missing value there.

        Args:
            *names: The columns; by default all that have a value.

        Raises:
            MissingExtraError: pandas is not installed.
            ColumnError: There is none of that name.
        """
        return self._framed(names, to_pandas, _with_columns)

    def polars(self, *names: str) -> "pl.DataFrame":
        """Columns as a polars frame; what is absent is null there.

        Args:
            *names: The columns; by default all that have a value.

        Raises:
            MissingExtraError: polars is not installed.
            ColumnError: There is none of that name.
        """
        return self._framed(names, to_polars, _with_columns)

    def arrow(self, *names: str) -> "pa.Table":
        """Columns as an Arrow table; what is absent is null there.

        Args:
            *names: The columns; by default all that have a value.

        Raises:
            MissingExtraError: pyarrow is not installed.
            ColumnError: There is none of that name.
        """
        return self._framed(names, to_arrow, lambda table, wanted: table.rename_columns(wanted))

    @property
    def _view(self) -> str:
        return identifier(self.name)

    def _ask(self, question: Callable[[duckdb.DuckDBPyConnection], T], nested: tuple[str, ...] = ()) -> T:
        return ask(self.run, question, self.name, nested=lambda _: nested, abandoned=self.abandoned)

    def _nested(self, names: tuple[str, ...]) -> tuple[str, ...]:
        nested = nested_fields(STREAMS[self.name])
        return tuple(name for name in nested if not names or any(n.partition(".")[0] == name for n in names))

    def _numpy(self, tables: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> dict[str, Column]:
        wanted = self._wanted(tables, names)
        if not wanted:
            return {}
        found = self._relation(tables, wanted).fetchnumpy()
        return {name: np.ma.asarray(column) for name, column in zip(wanted, found.values(), strict=True)}

    def _framed(
        self, names: tuple[str, ...], framed: Callable[[duckdb.DuckDBPyRelation], T], named: Callable[[T, list[str]], T]
    ) -> T:
        def frame(tables: duckdb.DuckDBPyConnection) -> T:
            wanted = self._wanted(tables, names) or ["time"]  # a table has at least one column
            return named(framed(self._relation(tables, wanted)), wanted)

        return self._ask(frame, self._nested(names))

    def _wanted(self, tables: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> list[str]:
        return list(dict.fromkeys(names or self._said(tables)))

    def _relation(self, tables: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> duckdb.DuckDBPyRelation:
        """The columns in their order. Their names are their places: SQL takes `a` and `A` for one name."""
        dotted = [name for name in wanted if name not in self._fields]
        places = self._places(tables) if dotted or any(self._fields[n].column.is_dict for n in wanted) else _Places()
        shown = [f"{self._value(name, places)} AS c{place}" for place, name in enumerate(wanted)]
        return tables.sql(f"SELECT {', '.join(shown)} FROM {self._view}")

    def _value(self, name: str, places: "_Places") -> str:
        field = self._fields.get(name)
        if field is not None and not field.column.is_dict:
            return identifier(name) if field.column is not Kind.TREE or name in places.trees else "NULL::VARCHAR"
        if field is not None:
            raise ColumnError(
                f"{self.name}: {name} is a dict; its columns are {_listed(places.keys(name)) or 'none yet'}"
            )
        of, _, key = name.partition(".")
        typed, mixed = key in places.structs.get(of, {}), key in places.rests.get(of, ())
        entry = f"{identifier(of)}.{identifier(key)}"
        rest = f"json_extract_string({identifier(of + REST)}, {literal(_path(key))})"
        if typed and mixed:
            return f"coalesce({entry}::VARCHAR, {rest})"
        if typed or mixed:
            return entry if typed else rest
        raise self._unknown(name, places)

    def _unknown(self, name: str, places: "_Places") -> ColumnError:
        known = [*(n for n, field in self._fields.items() if not field.column.is_dict), *places.names]
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {_listed(near)}?" if near else f"there are {_listed(known)}"
        return ColumnError(f"{self.name} has no column {name!r}: {hint}")

    def _places(self, tables: duckdb.DuckDBPyConnection) -> "_Places":
        relation = tables.sql(f"FROM {self._view}")
        columns = dict(zip(relation.columns, relation.types, strict=True))
        structs: dict[str, dict[str, Any]] = {}
        rests: dict[str, list[str]] = {}
        for name, field in self._fields.items():
            if field.column.is_dict and columns.get(name) is not None and columns[name].id == "struct":
                structs[name] = dict(columns[name].children)
            if name + REST in columns:
                rest = identifier(name + REST)
                found = tables.execute(f"SELECT DISTINCT unnest(json_keys({rest})) AS key FROM {self._view} ORDER BY 1")
                rests[name] = [key for (key,) in found.fetchall()]
        return _Places(structs, rests, frozenset(name for name in columns if self._is_tree(name)))

    def _is_tree(self, name: str) -> bool:
        field = self._fields.get(name)
        return field is not None and field.column is Kind.TREE

    def _said(self, tables: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
        places = self._places(tables)
        flat = [name for name, field in self._fields.items() if not field.column.is_dict]
        here = [name for name in flat if not self._is_tree(name) or name in places.trees]
        counts = tables.execute(f"SELECT {', '.join(f'count({identifier(n)})' for n in here)} FROM {self._view}")
        said = {name for name, count in zip(here, counts.fetchall()[0], strict=True) if count}
        return tuple(
            column
            for name, field in self._fields.items()
            for column in (places.keys(name) if field.column.is_dict else [name] if name in said else [])
        )


class _Places(NamedTuple):
    """Where the entries of dicts are: typed in structs, others in JSON."""

    structs: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    rests: Mapping[str, list[str]] = MappingProxyType({})
    trees: frozenset[str] = frozenset()

    def keys(self, name: str) -> list[str]:
        """The columns of one dict."""
        return [f"{name}.{key}" for key in dict.fromkeys((*self.structs.get(name, {}), *self.rests.get(name, ())))]

    @property
    def names(self) -> list[str]:
        """The columns of all of them."""
        return [column for name in {**self.structs, **self.rests} for column in self.keys(name)]


def _one(tables: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(tables.execute(sql).fetchall()[0][0])


def _path(key: str) -> str:
    """Where an entry is in JSON, as DuckDB says it; the one without a name has only the other form of path."""
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{quoted}"' if key else "/"


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def _with_columns(frame: T, names: list[str]) -> T:
    frame.columns = names  # type: ignore[attr-defined] # pandas and polars alike
    return frame
