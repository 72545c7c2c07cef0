"""Columns of each kind of record: the shared description for coercion, sealing and reading."""

import enum
from functools import cache
from typing import Any, NamedTuple, get_args

import msgspec

from rlvitals.records import kinds


class Column(enum.Enum):
    """Type of a field."""

    NUMBER = enum.auto()
    COUNT = enum.auto()
    TEXT = enum.auto()
    FLAG = enum.auto()
    VALUES = enum.auto()
    NUMBERS = enum.auto()
    TREE = enum.auto()
    ROWS = enum.auto()

    @property
    def is_dict(self) -> bool:
        """Whether the field is a flat dict, which is an object in a JSON line and a struct in a sealed segment."""
        return self is Column.VALUES or self is Column.NUMBERS

    @property
    def is_json(self) -> bool:
        """Whether the field is nested: a tree, or a list of dicts. In a sealed segment, it is JSON text."""
        return self is Column.TREE or self is Column.ROWS


class Field(NamedTuple):
    """One field of a record."""

    name: str
    column: Column
    required: bool


_COLUMN_OF: tuple[tuple[Any, Column], ...] = (
    (kinds.Values, Column.VALUES),
    (kinds.Numbers, Column.NUMBERS),
    (kinds.Json, Column.TREE),
    (kinds.Attempts, Column.ROWS),
    (kinds.Text, Column.TEXT),
    (kinds.Count, Column.COUNT),
    (kinds.Number, Column.NUMBER),
    (bool, Column.FLAG),
)


def _column(annotation: Any) -> Column:
    options = {annotation, *get_args(annotation)}
    for hint, column in _COLUMN_OF:
        if hint in options:
            return column
    return Column.COUNT  # `writer`, the only count that starts at 1


@cache
def fields(kind: type[kinds.Record]) -> tuple[Field, ...]:
    """Return the fields of a kind of record, `time` and `writer` first, in the order of a sealed segment."""
    return tuple(Field(f.encode_name, _column(f.type), f.required) for f in msgspec.structs.fields(kind))


@cache
def column_names(kind: type[kinds.Record]) -> tuple[str, ...]:
    """Return the column names of a kind of record."""
    return tuple(field.name for field in fields(kind))
