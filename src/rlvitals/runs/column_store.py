"""Columns in memory that grow with a live run. Texts are stored as numeric codes, and missing values are marked."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.runs.answer import Column

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LEAST = 1024
_MOST_LABELS = 200
OTHER = "(other)"
"""Label of all texts of a column after the first 200 distinct texts."""


class Cells(NamedTuple):
    """Values of consecutive rows of a column.

    Attributes:
        values: Values, shape `(n,)`; arbitrary where `present` is false.
        present: Whether each row has a value, finite or not; shape `(n,)`.
    """

    values: Floats
    present: Flags

    @property
    def numbers(self) -> Floats:
        """The values, with NaN for missing values."""
        return self.values if self.present.all() else np.where(self.present, self.values, np.nan)

    @property
    def masked(self) -> Column:
        """The values as one array in which missing values are masked."""
        return np.ma.array(self.values, mask=~self.present)


def absent(rows: int) -> Cells:
    """Return cells for a number of rows without values."""
    return Cells(np.full(rows, np.nan), np.zeros(rows, dtype=bool))


class Growing:
    """A growing column. Cells that it returned do not change when it grows."""

    def __init__(self) -> None:
        self._values = np.empty(0)
        self._present = np.empty(0, dtype=bool)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        """The memory of the column, in bytes."""
        return self._values.nbytes + self._present.nbytes

    def extend(self, cells: Cells) -> None:
        """Append rows."""
        if not self._size:  # do not copy the rows of a long run
            self._values, self._present, self._size = cells.values, cells.present, cells.values.size
            return
        end = self._size + cells.values.size
        if end > self._values.size:
            room = max(_LEAST, end, min(2 * self._values.size, end + (1 << 20)))
            self._values = np.concatenate([self._values[: self._size], np.empty(room - self._size)])
            self._present = np.concatenate([self._present[: self._size], np.empty(room - self._size, dtype=bool)])
        self._values[self._size : end] = cells.values
        self._present[self._size : end] = cells.present
        self._size = end

    def pad(self, size: int) -> None:
        """Append rows without values until the column has `size` rows."""
        missing = size - self._size
        if missing > 0:
            self.extend(absent(missing))

    def cells(self, start: int = 0) -> Cells:
        """Return the rows from `start` on."""
        return Cells(self._values[start : self._size], self._present[start : self._size])


class Labels:
    """Distinct texts of a column and their codes. Texts beyond the limit share the code of `OTHER`."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    @property
    def texts(self) -> list[str]:
        """The texts, ordered by code."""
        return list(self._codes)

    def code(self, text: str) -> int:
        """Return the code of a text. A new text gets a new code."""
        if text not in self._codes:
            if len(self._codes) >= _MOST_LABELS:
                return self._codes.setdefault(OTHER, len(self._codes))
            self._codes[text] = len(self._codes)
        return self._codes[text]

    def cells(self, texts: Sequence[str | None]) -> Cells:
        """Convert texts to cells of codes."""
        codes = [-1 if text is None else self.code(text) for text in texts]
        values = np.asarray(codes, dtype=np.float64)
        return Cells(values, values >= 0)


class Columns:
    """Columns of one stream of a run. A column without values uses no memory.

    Args:
        names: Column names.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._columns: dict[str, Growing] = {}
        self.rows = 0

    @property
    def nbytes(self) -> int:
        """The memory of all columns, in bytes."""
        return sum(column.nbytes for column in self._columns.values())

    @property
    def said(self) -> list[str]:
        """The names of the columns that have a value."""
        return [name for name in self.names if name in self._columns]

    def extend(self, batch: Mapping[str, Cells], rows: int) -> None:
        """Append rows. Columns that the batch lacks have no values in these rows."""
        for name in self.names:
            cells = batch.get(name)
            if name not in self._columns:
                if cells is None or not cells.present.any():
                    continue
                self._columns[name] = Growing()
            column = self._columns[name]
            column.pad(self.rows)
            if cells is not None:
                column.extend(cells)
            column.pad(self.rows + rows)
        self.rows += rows

    def cells(self, name: str, start: int = 0) -> Cells:
        """Return the rows of a column from `start` on. A column without values returns cells without values."""
        column = self._columns.get(name)
        if column is None:
            return absent(self.rows - start)
        return column.cells(start)

    def numbers(self, name: str, start: int = 0) -> Floats:
        """Return the values of a column from row `start` on, with NaN for missing values."""
        return self.cells(name, start).numbers

    def has(self, name: str) -> bool:
        """Return whether any row has a value in the column."""
        return name in self._columns
