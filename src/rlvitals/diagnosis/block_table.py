"""A stream in bounded memory: equal blocks of records, each with sums, counts and extremes."""

import copy
from collections.abc import Collection, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_ROWS = 1024
"""Rows of a table, at most; a stream that is longer is kept in blocks of 2, 4, 8, ... records."""


class BlockTable:
    """Columns of numbers in time order, of which each row stands for a block of consecutive records.

    However many records come, there are at most `MOST_ROWS` rows: when they are full, neighbours are merged and blocks
    are twice as long from then on. What is absent, what is not finite and what is finite are counted apart, so that
    they stay three different things. Records that come one by one make the same table as all at once.

    Args:
        names: The columns.
        most_rows: Rows at most, an even number.
    """

    def __init__(self, names: Sequence[str], most_rows: int = MOST_ROWS) -> None:
        self.names = tuple(names)
        self.block = 1
        self.records = 0
        self._most = most_rows
        self._place = {name: place for place, name in enumerate(self.names)}
        shape = (len(self.names), most_rows)
        self._sums = np.zeros(shape)
        self._finite = np.zeros(shape)
        self._bad = np.zeros(shape)
        self._low = np.full(shape, np.inf)
        self._high = np.full(shape, -np.inf)

    def __len__(self) -> int:
        return (self.records + self.block - 1) // self.block

    @np.errstate(over="ignore", invalid="ignore")  # sums of the largest floats are infinite
    def extend(self, values: Floats, present: NDArray[np.bool_]) -> None:
        """Add records.

        Args:
            values: Shape `(columns, records)`; what stands where nothing is present does not matter.
            present: Where there is a value, finite or not; the same shape.
        """
        count = values.shape[1]
        if not count:
            return
        while self.records + count > self._most * self.block:
            self._merge()
        finite = present & np.isfinite(values)
        rows = (self.records + np.arange(count)) // self.block
        starts = np.flatnonzero(np.diff(rows, prepend=rows[0] - 1))
        at = rows[starts]
        self._sums[:, at] += np.add.reduceat(np.where(finite, values, 0.0), starts, axis=1)
        self._finite[:, at] += np.add.reduceat(finite.astype(np.float64), starts, axis=1)
        self._bad[:, at] += np.add.reduceat((present & ~finite).astype(np.float64), starts, axis=1)
        low = np.minimum.reduceat(np.where(finite, values, np.inf), starts, axis=1)
        high = np.maximum.reduceat(np.where(finite, values, -np.inf), starts, axis=1)
        self._low[:, at] = np.minimum(self._low[:, at], low)
        self._high[:, at] = np.maximum(self._high[:, at], high)
        self.records += count

    def has(self, name: str) -> bool:
        """Whether any record said it, as a finite number or not."""
        place = self._place[name]
        rows = len(self)
        return bool(self._finite[place, :rows].any() or self._bad[place, :rows].any())

    def mean(self, name: str) -> Floats:
        """The mean of the finite values of each block; NaN where there are none."""
        place, rows = self._place[name], len(self)
        count = self._finite[place, :rows]
        sums = self._sums[place, :rows]
        means: Floats = np.divide(sums, count, out=np.full(rows, np.nan), where=count > 0)
        return means

    def low(self, name: str) -> Floats:
        """The least finite value of each block; infinity where there is none."""
        return self._low[self._place[name], : len(self)]

    def high(self, name: str) -> Floats:
        """The greatest finite value of each block; minus infinity where there is none."""
        return self._high[self._place[name], : len(self)]

    def total(self, name: str) -> Floats:
        """The sum of the finite values of each block."""
        return self._sums[self._place[name], : len(self)]

    def said(self, name: str) -> Floats:
        """How many finite values each block has."""
        return self._finite[self._place[name], : len(self)]

    def not_finite(self, name: str) -> Floats:
        """How many values of each block are not finite."""
        return self._bad[self._place[name], : len(self)]

    def without(self, names: Collection[str]) -> Self:
        """Copy the table with some columns empty, as if they had never been logged.

        Args:
            names: The columns to hide.
        """
        hidden = [self._place[name] for name in names]
        other = copy.copy(self)
        for array, empty in (("_sums", 0.0), ("_finite", 0.0), ("_bad", 0.0), ("_low", np.inf), ("_high", -np.inf)):
            values = getattr(self, array).copy()
            values[hidden] = empty
            setattr(other, array, values)
        return other

    def _merge(self) -> None:
        """Make blocks twice as long."""
        half = self._most // 2
        for array, join, empty in (
            (self._sums, np.add, 0.0),
            (self._finite, np.add, 0.0),
            (self._bad, np.add, 0.0),
            (self._low, np.minimum, np.inf),
            (self._high, np.maximum, -np.inf),
        ):
            array[:, :half] = join(array[:, 0::2], array[:, 1::2])
            array[:, half:] = empty
        self.block *= 2
