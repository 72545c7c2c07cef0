"""Export to a pickle of pandas data frames."""

import pickle
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import numpy as np

from rlvitals.formats.exporters.exporter import Exporter, Source
from rlvitals.formats.exporters.typed_tables import TABLE, opened, typed_table
from rlvitals.runs.sql_columns import identifier
from rlvitals.sinks.lazy_destination import load, require

_PLAIN = {"DOUBLE": np.float64, "BIGINT": np.int64, "BOOLEAN": np.bool_}


class PandasExporter(Exporter):
    """Exporter for pandas: a pickled dict of data frames, `{"header": {...}, "episodes": DataFrame, ...}`.

    If exactly one stream is selected, the pickle is that data frame alone, with the header in `attrs`. Entries of flat
    dicts become columns such as `parameters.color_precision`. Missing values are `pandas.NA`, distinct from NaN. Data
    frames are built in memory, one stream at a time. rlvitals never reads pickles, because loading a pickle can run
    arbitrary code.

    Raises:
        MissingExtraError: pandas is not installed.
    """

    endings: ClassVar[tuple[str, ...]] = (".pkl", ".pickle")

    def __init__(self) -> None:
        require("pandas", feature="the pandas format", extra="pandas")

    def export(self, source: Source, target: Path) -> None:
        """Write the pickle."""
        pandas = load("pandas")
        with opened(target.parent) as connection:
            frames = {stream: _frame(pandas, connection, source, stream, target.parent) for stream in source.streams}
        said = source.described()
        what: Any = {**said, **frames}
        if source.chosen is not None and len(frames) == 1:
            (what,) = frames.values()
            what.attrs = said
        with target.open("wb") as file:
            pickle.dump(what, file, protocol=pickle.HIGHEST_PROTOCOL)


def _frame(pandas: Any, connection: duckdb.DuckDBPyConnection, source: Source, stream: str, scratch: Path) -> Any:
    with typed_table(connection, source, stream, scratch):
        wanted = ", ".join(_flat(connection))
        columns = connection.execute(f"SELECT {wanted} FROM {TABLE}").fetchnumpy()
    # A masked array keeps missing values and NaN distinct; a plain pandas column would treat them alike.
    return pandas.DataFrame({name: _column(pandas, np.ma.asarray(values)) for name, values in columns.items()})


def _flat(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the SQL expression of each column and of each field of a struct."""
    found: list[str] = []
    for name, kind in zip(connection.table(TABLE).columns, connection.table(TABLE).types, strict=True):
        column = identifier(name)
        if kind.id == "struct":
            entries = [entry for entry, _ in kind.children]
            found += [f"{column}.{identifier(key)} AS {identifier(f'{name}.{key}')}" for key in entries]
        else:
            found.append(column)
    return found


def _column(pandas: Any, values: Any) -> Any:
    missing = np.ma.getmaskarray(values)
    arrays = {"f": pandas.arrays.FloatingArray, "i": pandas.arrays.IntegerArray, "b": pandas.arrays.BooleanArray}
    kind = values.dtype.kind
    if kind in arrays:
        return arrays[kind](np.ascontiguousarray(values.filled(0) if missing.any() else values.data), missing)
    texts = values.astype(object).filled(None) if missing.any() else values.data
    return pandas.array(texts, dtype="string")
