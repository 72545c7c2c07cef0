"""Parameter columns: numbers, booleans or strings with missing values, converted to arrays.

Missing values are `None`, masked entries and non-finite numbers. An empty string is not missing.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_FEW_WHOLE = 1 << 20


class ParameterColumn(NamedTuple):
    """Values of one parameter.

    Attributes:
        name: Parameter name.
        values: Numbers, or level indices for booleans and strings, shape `(n,)`; 0 for missing values.
        present: Mask of values that are not missing, shape `(n,)`.
        levels: Levels in sorted order, which the indices refer to; empty for numbers.
        whole: Whether all values are integers.
    """

    name: str
    values: NDArray[np.float64]
    present: NDArray[np.bool_]
    levels: tuple[Any, ...]
    whole: bool

    @property
    def numeric(self) -> bool:
        """Whether the parameter is a number rather than a boolean or a string."""
        return not self.levels

    def take(self, rows: NDArray[Any]) -> "ParameterColumn":
        """Return the parameter for a subset of rows, given by index or by a mask."""
        return self._replace(values=self.values[rows], present=self.present[rows])

    def said(self, value: float) -> Any:
        """Return a value in its original form: the level, an integer, or a float."""
        if self.levels:
            return self.levels[round(value)]
        return int(value) if self.whole and value == round(value) else float(value)

    def keys(self) -> NDArray[np.int64]:
        """Return an integer for each row, equal for equal values, shape `(n,)`; 0 for a missing value."""
        keys = np.zeros(self.values.size, dtype=np.int64)
        there = self.values[self.present]
        if not there.size:
            return keys
        lowest = there.min()
        if (self.whole or self.levels) and there.max() - lowest < _FEW_WHOLE:
            keys[self.present] = (there - lowest).astype(np.int64) + 1
        else:
            keys[self.present] = np.unique(there, return_inverse=True)[1] + 1
        return keys


Given = ArrayLike | Sequence[Any] | ParameterColumn
"""A column in any supported form, or one that is already converted."""


def parameter_column(name: str, column: Given) -> ParameterColumn:
    """Convert the values of one parameter.

    Numbers stay numbers; booleans among them become 0 and 1. A column of only booleans, or of strings, becomes levels.
    A column that mixes numbers and strings is treated as strings.

    Args:
        name: Parameter name.
        column: Values, shape `(n,)`: an array of any type, a masked array, or a list that can contain `None`.

    Raises:
        ValueError: The column is not one-dimensional.
    """
    if isinstance(column, ParameterColumn):
        return column
    mask = np.ma.getmaskarray(column) if isinstance(column, np.ma.MaskedArray) else None
    raw = np.asarray(column.data if isinstance(column, np.ma.MaskedArray) else column)
    if raw.ndim != 1:
        raise ValueError(f"parameter {name!r} has shape {raw.shape}; it must have one value per row")
    if raw.dtype.kind == "O" or (raw.dtype.kind in "US" and isinstance(column, list | tuple)):
        # NumPy converts a list that mixes numbers and strings to strings, including its missing values.
        # Use the original items instead.
        given = list(column) if isinstance(column, list | tuple) else raw.tolist()
        tried = _from_objects(name, given)
    elif raw.dtype.kind in "iuf":
        tried = _from_numbers(name, raw.astype(np.float64))
    else:
        levels, codes = np.unique(raw, return_inverse=True)
        values = np.asarray(codes, dtype=np.float64)
        tried = ParameterColumn(name, values, np.ones(raw.size, dtype=bool), tuple(levels.tolist()), whole=False)
    return tried if mask is None else _without(tried, ~mask)


def tried_columns(parameters: Mapping[str, Given]) -> list[ParameterColumn]:
    """Convert a table of parameters.

    Args:
        parameters: Column of each parameter, all of the same length.

    Raises:
        ValueError: The columns differ in length.
    """
    columns = [parameter_column(name, column) for name, column in parameters.items()]
    lengths = {column.values.size for column in columns}
    if len(lengths) > 1:
        said = ", ".join(f"{column.name!r} has {column.values.size}" for column in columns)
        raise ValueError(f"the parameter columns differ in length: {said}")
    return columns


def columns_and_outcome(
    parameters: Mapping[str, Given], outcome: ArrayLike
) -> tuple[list[ParameterColumn], NDArray[np.float64]]:
    """Convert a table of parameters and the outcome of its rows.

    Raises:
        ValueError: The columns and the outcome differ in length.
    """
    tried = tried_columns(parameters)
    response = np.asarray(outcome, dtype=np.float64).ravel()
    if tried and tried[0].values.size != response.size:
        raise ValueError(f"{tried[0].values.size} rows of parameters but {response.size} outcomes")
    return tried, response


def _from_numbers(name: str, numbers: NDArray[np.float64]) -> ParameterColumn:
    present = np.isfinite(numbers)
    values = np.where(present, numbers, 0.0)
    return ParameterColumn(name, values, present, (), whole=bool(np.all(values == np.rint(values))))


def _from_objects(name: str, given: list[Any]) -> ParameterColumn:
    plain = [item.item() if isinstance(item, np.generic) else item for item in given]
    present = np.array([item is not None and not _is_gap(item) for item in plain], dtype=bool)
    kinds = {type(item) for item, there in zip(plain, present, strict=True) if there}
    if kinds and kinds <= {int, float, bool} and kinds != {bool}:
        return _from_numbers(name, np.array([np.nan if item is None else float(item) for item in plain]))
    if not kinds:
        return ParameterColumn(name, np.zeros(len(plain)), present, (), whole=False)
    shown = [item if kinds == {bool} else str(item) for item, there in zip(plain, present, strict=True) if there]
    levels, codes = np.unique(np.array(shown), return_inverse=True)
    values = np.zeros(len(plain))
    values[present] = codes
    return ParameterColumn(name, values, present, tuple(levels.tolist()), whole=False)


def _is_gap(item: Any) -> bool:
    return isinstance(item, float) and not np.isfinite(item)


def _without(tried: ParameterColumn, kept: NDArray[np.bool_]) -> ParameterColumn:
    present = tried.present & kept
    return tried._replace(values=np.where(present, tried.values, 0.0), present=present)
