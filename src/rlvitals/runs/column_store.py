"""Columns in memory that grow with a live run: numbers, and texts as codes, each with what is absent."""

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
"""What texts beyond the 200 first ones of a column are called."""


class Cells(NamedTuple):
    """Values of some rows in a row.

    Attributes:
        values: Shape `(n,)`; what stands where nothing is present does not matter.
        present: Where there is a value, finite or not, shape `(n,)`.
    """

    values: Floats
    present: Flags

    @property
    def numbers(self) -> Floats:
        """The same, with NaN also where nothing is present."""
        return self.values if self.present.all() else np.where(self.present, self.values, np.nan)

    @property
    def masked(self) -> Column:
        """The same as one array, in which missing values are masked."""
        return np.ma.array(self.values, mask=~self.present)


def absent(rows: int) -> Cells:
    """Rows in which nothing is present."""
    return Cells(np.full(rows, np.nan), np.zeros(rows, dtype=bool))


class Growing:
    """One column. What it gave stays as it was, while it grows."""

    def __init__(self) -> None:
        self._values = np.empty(0)
        self._present = np.empty(0, dtype=bool)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return self._values.nbytes + self._present.nbytes

    def extend(self, cells: Cells) -> None:
        """Put rows behind those that are there."""
        if not self._size:  # a long run is not copied
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
        """Make it so long, by rows in which nothing is present."""
        missing = size - self._size
        if missing > 0:
            self.extend(absent(missing))

    def cells(self, start: int = 0) -> Cells:
        """The rows from a start on."""
        return Cells(self._values[start : self._size], self._present[start : self._size])


class Labels:
    """The texts of a column, each with its code; of too many, the later ones are one."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    @property
    def texts(self) -> list[str]:
        """By code."""
        return list(self._codes)

    def code(self, text: str) -> int:
        """The code of a text."""
        if text not in self._codes:
            if len(self._codes) >= _MOST_LABELS:
                return self._codes.setdefault(OTHER, len(self._codes))
            self._codes[text] = len(self._codes)
        return self._codes[text]

    def cells(self, texts: Sequence[str | None]) -> Cells:
        """Texts as codes."""
        codes = [-1 if text is None else self.code(text) for text in texts]
        values = np.asarray(codes, dtype=np.float64)
        return Cells(values, values >= 0)


class Columns:
    """The columns of one stream of a run. Those that were never said take no room.

    Args:
        names: What they are called.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._columns: dict[str, Growing] = {}
        self.rows = 0

    @property
    def nbytes(self) -> int:
        """Bytes that they take."""
        return sum(column.nbytes for column in self._columns.values())

    @property
    def said(self) -> list[str]:
        """The columns that have a value."""
        return [name for name in self.names if name in self._columns]

    def extend(self, batch: Mapping[str, Cells], rows: int) -> None:
        """Put rows behind those that are there; a column that the batch lacks has nothing in them."""
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
        """A column from a row on; nothing is present where it was never said."""
        column = self._columns.get(name)
        if column is None:
            return absent(self.rows - start)
        return column.cells(start)

    def numbers(self, name: str, start: int = 0) -> Floats:
        """A column from a row on, with NaN also where nothing is present."""
        return self.cells(name, start).numbers

    def has(self, name: str) -> bool:
        """Whether any row said it."""
        return name in self._columns
