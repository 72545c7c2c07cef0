"""Streams in bounded memory: equal blocks of records, each with sums, counts and extremes."""

import copy
from collections.abc import Collection, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_ROWS = 1024
"""Maximum number of rows of a table. Longer streams use blocks of 2, 4, 8, ... records."""


class BlockTable:
    """Numeric columns in time order. Each row represents a block of consecutive records.

    The table has at most `MOST_ROWS` rows for any number of records. When it is full, neighbouring rows are merged, and
    later blocks are twice as long. Missing, non-finite and finite values are counted separately. Adding records one at
    a time or all together gives the same table.

    Args:
        names: Column names.
        most_rows: Maximum number of rows, an even number.
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
            values: Values, shape `(columns, records)`. Values that are not present can be anything.
            present: Mask of the values that are present, finite or not; same shape.
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
        """Return whether any record has a value in a column, finite or not."""
        place = self._place[name]
        rows = len(self)
        return bool(self._finite[place, :rows].any() or self._bad[place, :rows].any())

    def mean(self, name: str) -> Floats:
        """Return the mean of the finite values of each block; NaN for blocks without any."""
        place, rows = self._place[name], len(self)
        count = self._finite[place, :rows]
        sums = self._sums[place, :rows]
        means: Floats = np.divide(sums, count, out=np.full(rows, np.nan), where=count > 0)
        return means

    def low(self, name: str) -> Floats:
        """Return the minimum of the finite values of each block; infinity for blocks without any."""
        return self._low[self._place[name], : len(self)]

    def high(self, name: str) -> Floats:
        """Return the maximum of the finite values of each block; minus infinity for blocks without any."""
        return self._high[self._place[name], : len(self)]

    def total(self, name: str) -> Floats:
        """Return the sum of the finite values of each block."""
        return self._sums[self._place[name], : len(self)]

    def said(self, name: str) -> Floats:
        """Return the number of finite values in each block."""
        return self._finite[self._place[name], : len(self)]

    def not_finite(self, name: str) -> Floats:
        """Return the number of non-finite values in each block."""
        return self._bad[self._place[name], : len(self)]

    def without(self, names: Collection[str]) -> Self:
        """Return a copy with some columns empty, as if they had never been logged.

        Args:
            names: Columns to hide.
        """
        hidden = [self._place[name] for name in names]
        other = copy.copy(self)
        for array, empty in (("_sums", 0.0), ("_finite", 0.0), ("_bad", 0.0), ("_low", np.inf), ("_high", -np.inf)):
            values = getattr(self, array).copy()
            values[hidden] = empty
            setattr(other, array, values)
        return other

    def _merge(self) -> None:
        """Double the block length by merging neighbouring rows."""
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
