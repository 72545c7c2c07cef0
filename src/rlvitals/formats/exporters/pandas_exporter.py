"""A run as a pickle of pandas frames."""

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
    """Writes a dict of frames, `{"header": {...}, "episodes": DataFrame, ...}`.

    Of one stream that was chosen it writes the frame alone, with the header in `attrs`. Entries of flat dicts are
    columns, `parameters.color_precision`. What was not said is missing (`pandas.NA`), and so is not NaN. Frames are
    made in memory, of one stream after the other. Nothing here reads a pickle back: whoever can write one can run
    code in who reads it.

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
    # A masked array keeps what is absent apart from what is NaN, which pandas takes for the same in a plain column.
    return pandas.DataFrame({name: _column(pandas, np.ma.asarray(values)) for name, values in columns.items()})


def _flat(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """SQL for each column, and for each field of a struct."""
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
