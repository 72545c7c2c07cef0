"""Conversion of values from training code to plain Python values that a record can hold.

This is the slow path of validation, for the few records that are not plain already. NumPy and torch scalars become
Python scalars, tuples and sets become lists, and integral floats become integers in count fields. Text that is too long
is truncated with a note, and `None` in a flat dict means absent. Any other value is rejected with an error that names
the field, the value and the fix.

Trees (`info`, `data`, ...) are converted to what JSON can represent: keys become text, tuples and sets become lists,
and dates become ISO text. Values without a JSON representation are stored as their `repr`.
"""

import datetime as dt
import enum
import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from rlvitals.errors import RecordError
from rlvitals.records import kinds
from rlvitals.records.schema import Column, Field

NON_FINITE: Mapping[str, float] = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""Spelling of non-finite numbers in a line: strings that pandas, DuckDB and polars cast to floats."""

MAX_DEPTH = 64
"""Maximum nesting depth of a tree. Every JSON parser can read this depth, whatever its stack size."""

DICT_WANTED = "pass names and values, such as {'name': 1.0}"
"""Instruction in the error for a value that should be a dict."""

_MAX_ITEMS = 1 << 19
"""Maximum length of a list in a tree. A longer list cannot fit into a line, so large tensors are rejected before they
are converted."""
_MOST_BITS = 14_000
"""Maximum number of bits of an integer in a tree. By default, Python converts at most 4,300 digits."""
_SHOWN = 60
_ROWS_WANTED = "pass one dict for each attempt, such as [{'parameters': {'speed': 2}, 'reward': 1.0}]"

_shortly = reprlib.Repr()
_shortly.maxstring = _shortly.maxother = _shortly.maxlong = _SHOWN


class _Refused(Exception):  # noqa: N818 - internal; `coerce` turns it into a RecordError
    """The reason why a value is invalid for its field."""


def coerce(field: Field, value: Any, where: str, *, tree_text: int | None = kinds.MAX_TEXT) -> Any:
    """Convert a value to plain Python of a field's type.

    Args:
        field: Target field.
        value: Value from the caller. Not `None`.
        where: Name of the record, for the error message.
        tree_text: Maximum length of a text in a tree, in characters. `None` means no limit.

    Returns:
        The plain value. `None` for an empty dict or list in an optional field.

    Raises:
        RecordError: The value is invalid for the field.
    """
    try:
        plain = _tree(value, tree_text) if field.column is Column.TREE else _COERCIONS[field.column](value)
    except _Refused as reason:
        raise RecordError(f"{where}: {field.name} {reason}") from None
    except Exception as error:  # noqa: BLE001 - a foreign object may raise anything when it is converted
        why = f"{type(error).__name__}: {error}"
        raise RecordError(
            f"{where}: {field.name} cannot be read ({why}), got {shown(value)}; convert it to a plain Python value"
        ) from None
    return None if plain in ({}, []) and not field.required else plain


def spelled(value: Any) -> Any:
    """Replace each non-finite number in a plain value by its spelling."""
    if type(value) is float and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if type(value) is dict:
        return {key: spelled(item) for key, item in value.items()}
    if type(value) is list:
        return [spelled(item) for item in value]
    return value


def unspelled(value: Any) -> Any:
    """Undo `spelled`. Dicts and lists are modified in place."""
    if type(value) is str:
        return NON_FINITE.get(value, value)
    if type(value) is dict:
        for key, item in value.items():
            value[key] = unspelled(item)
    elif type(value) is list:
        value[:] = [unspelled(item) for item in value]
    return value


def plain_scalar(value: Any) -> Any:
    """Convert a NumPy, torch or enum scalar, or an array with one element, to plain Python.

    Return other values unchanged.
    """
    if type(value) in {float, int, bool, str}:
        return value
    if isinstance(value, enum.Enum):
        return plain_scalar(value.value)
    if _is_scalar(value):
        item = value.item()
        return float(item) if type(item) is type(value) else item  # NumPy's long double returns itself
    for base in (bool, int, float, str):  # subclasses
        if isinstance(value, base):
            return base(value)
    return value


def number_or_none(value: Any) -> float | None:
    """Convert a number of any type (Python, NumPy, torch, JAX), or an array with one element, to a float.

    Args:
        value: Value to convert.

    Returns:
        The number. `None` for text, a bool, an array with several elements, and a value that cannot be read.
    """
    if type(value) is float:
        return value
    try:
        return _number(value)
    except Exception:  # noqa: BLE001 - a foreign object may raise anything when it is converted
        return None


def shown(value: Any) -> str:
    """Return a short form of a value with its type, for messages. Never raises, even if the value's `repr` does."""
    try:
        text = _cut(_shortly.repr(value), _SHOWN)
    except Exception:  # noqa: BLE001 - an int with too many digits, a `repr` that raises
        text = "something"
    return f"{text} ({type(value).__name__})"


def _is_scalar(value: Any) -> bool:
    """Return whether a foreign value holds one element. torch counts elements with `numel`, NumPy with `size`."""
    if not callable(getattr(value, "item", None)):
        return False
    count = getattr(value, "numel", None)
    return bool((count() if callable(count) else getattr(value, "size", 1)) == 1)


def _number(value: Any) -> float:
    plain = plain_scalar(value)
    if type(plain) is float:
        return plain
    # A check for `typing.SupportsFloat` would take 20 times as long.
    if isinstance(plain, bool | str) or hasattr(plain, "__len__") or not hasattr(plain, "__float__"):
        raise _Refused(f"must be a number, got {shown(value)}")
    try:
        return float(plain)
    except OverflowError:
        raise _Refused(f"must be below 2**1024, got {shown(value)}") from None


def _count(value: Any) -> int:
    plain = plain_scalar(value)
    if isinstance(plain, bool) or not isinstance(plain, int | float) or plain != plain // 1 or plain < 0:
        raise _Refused(f"must be a whole number of at least 0, got {shown(value)}")
    if plain >= 2**63:
        raise _Refused(f"must be below 2**63, got {shown(value)}")
    return int(plain)


def _text(value: Any) -> str:
    plain = plain_scalar(value)
    if not isinstance(plain, str | int | float):
        raise _Refused(f"must be text, got {shown(value)}")
    return _cut(str(plain))


def _flag(value: Any) -> bool:
    plain = plain_scalar(value)
    if isinstance(plain, int | float) and plain in (0, 1):
        return bool(plain)
    raise _Refused(f"must be True or False, got {shown(value)}")


def _moment(value: Any) -> float:
    return value.timestamp() if isinstance(value, dt.datetime) else _number(value)


def _value(value: Any) -> Any:
    plain = plain_scalar(value)
    if isinstance(plain, str):
        return _cut(plain) if plain not in NON_FINITE else NON_FINITE[plain]
    if isinstance(plain, int):
        return plain if abs(plain) < 2**63 else _number(plain)
    if isinstance(plain, float):
        return plain
    raise _Refused(f"must be a number, a bool or a short text, got {shown(value)}; put nested values into `info`")


def _flat(convert: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    def coerced(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _Refused(f"must be a dict, got {shown(value)}; {DICT_WANTED}")
        if len(value) > kinds.MAX_KEYS:
            raise _Refused(f"has {len(value)} entries, and at most {kinds.MAX_KEYS} are allowed; log fewer entries")
        flat: dict[str, Any] = {}
        for key, item in dict(value).items():
            if item is None:
                continue
            name = _free_key(key, flat)
            try:
                flat[name] = convert(item)
            except _Refused as reason:
                raise _Refused(f"[{_cut(name, _SHOWN)!r}] {reason}") from None
        return flat

    return coerced


def _row_value(value: Any) -> Any:
    return _flat(_value)(value) if isinstance(value, Mapping) else _value(value)


def _rows(value: Any) -> list[dict[str, Any]]:
    items = None if isinstance(value, Mapping | str) else _items(value)
    if items is None:
        raise _Refused(f"must be a list of dicts, got {shown(value)}; {_ROWS_WANTED}")
    if len(items) > kinds.MAX_ATTEMPTS:
        raise _Refused(f"has {len(items)} entries, and at most {kinds.MAX_ATTEMPTS} are allowed; log fewer entries")
    rows: list[dict[str, Any]] = []
    for place, item in enumerate(items):
        try:
            rows.append(_flat(_row_value)(item))
        except _Refused as reason:
            raise _Refused(f"[{place}] {reason}") from None
    return rows


def _tree(value: Any, text: int | None) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _Refused(f"must be a dict, got {shown(value)}; {DICT_WANTED}")
    tree: dict[str, Any] = _branch(value, text, ())
    return tree


def _branch(value: Any, text: int | None, above: tuple[int, ...]) -> Any:
    plain = plain_scalar(value)
    if isinstance(plain, int) and plain.bit_length() > _MOST_BITS:
        raise _Refused(
            f"holds an integer of {plain.bit_length():,} bits, and at most {_MOST_BITS:,} are allowed; log it as text"
        )
    if plain is None or isinstance(plain, bool | int | float):
        return plain
    if isinstance(plain, str):
        return NON_FINITE[plain] if plain in NON_FINITE else _cut(plain, text)
    if id(value) in above:
        raise _Refused("contains itself, and JSON has no cycles; remove the reference")
    if len(above) >= MAX_DEPTH:
        raise _Refused(f"is nested deeper than {MAX_DEPTH} levels; flatten it")
    inside = (*above, id(value))
    if isinstance(value, Mapping):
        branch: dict[str, Any] = {}
        for key, item in dict(value).items():
            branch[_free_key(key, branch)] = _branch(item, text, inside)
        return branch
    items = _items(value)
    if items is not None:
        return [_branch(item, text, inside) for item in items]
    try:
        said = msgspec.to_builtins(value, str_keys=True)  # dates, dataclasses, bytes, ... in their JSON form
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _cut(repr(value), text)
    return _branch(said, text, inside)


def _items(value: Any) -> list[Any] | None:
    """Return the items of a value that is a list in JSON, or `None` for any other value."""
    count = getattr(value, "numel", None)
    size = count() if callable(count) else getattr(value, "size", None)
    if isinstance(value, list | tuple | set | frozenset):
        size = len(value)
    if isinstance(size, int) and size > _MAX_ITEMS:
        raise _Refused(
            f"holds a list of {size} items, and at most {_MAX_ITEMS} are allowed; save it as an artifact instead"
        )
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, list | tuple | set | frozenset) else None


def _free_key(key: Any, taken: Mapping[str, Any]) -> str:
    """Return a key as text. Two keys with the same text are rejected, because one value would be lost."""
    name = _cut(str(key))
    if name in taken:
        raise _Refused(f"has two keys that both read {_cut(name, _SHOWN)!r}; rename one")
    return name


def _cut(text: str, limit: int | None = kinds.MAX_TEXT) -> str:
    """Truncate a text that is too long, with a note of its original length."""
    # A lone surrogate cannot be encoded as UTF-8.
    text = text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
    if limit is None or len(text) <= limit:
        return text
    note = f"… ({len(text)} characters)"
    return text[: limit - len(note)] + note


_COERCIONS: dict[Column, Callable[[Any], Any]] = {
    Column.NUMBER: _moment,
    Column.COUNT: _count,
    Column.TEXT: _text,
    Column.FLAG: _flag,
    Column.VALUES: _flat(_value),
    Column.NUMBERS: _flat(_number),
    Column.ROWS: _rows,
}
