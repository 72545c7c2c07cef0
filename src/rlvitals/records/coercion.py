"""The slow way over the border: what a training loop really hands over, made into what a record can hold.

Called for the few records that are not plain already: NumPy and torch scalars become Python's, tuples and sets become
lists, whole floats become counts where a count is wanted, text that is too long is cut and says so, `None` in a flat
dict means absent. What has no meaning in its place is refused with the field, the value and the way out.

A tree (`info`, `data`, ...) comes out as JSON would have it: keys are text, tuples and sets are lists, dates are ISO
text, and what JSON cannot say at all is kept as its `repr`.
"""

import datetime as dt
import enum
import math
import reprlib
from collections.abc import Callable, Mapping
from typing import Any, SupportsFloat

import msgspec

from rlvitals.errors import RecordError
from rlvitals.records import kinds
from rlvitals.records.schema import Column, Field

NON_FINITE: Mapping[str, float] = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""How numbers that JSON cannot say are spelled in a line: strings, which pandas, DuckDB and polars cast to floats."""

MAX_DEPTH = 64
"""Deepest nesting of a tree: shallow enough for every reader's JSON parser, whatever stack it is called on."""

DICT_WANTED = "pass names and values, such as {'name': 1.0}"
"""What to do where something else stands in the place of a dict."""

_MAX_ITEMS = 1 << 19
"""Longest list in a tree: one item more cannot fit into a line, and a large tensor is refused before it is unfolded."""
_MOST_BITS = 14_000
"""Of a whole number in a tree: Python writes and reads 4,300 digits unless it is set otherwise."""
_SHOWN = 60

_shortly = reprlib.Repr()
_shortly.maxstring = _shortly.maxother = _shortly.maxlong = _SHOWN


class _Refused(Exception):  # noqa: N818 - not an error yet: `coerce` makes it one, which names the record and the field
    """Why a value has no meaning in its place."""


def coerce(field: Field, value: Any, where: str, *, tree_text: int | None = kinds.MAX_TEXT) -> Any:
    """Make a value into plain Python of a field's type.

    Args:
        field: The field that is to hold it.
        value: What the caller gave; not `None`.
        where: The record, as the caller knows it, for the message.
        tree_text: Longest text in a tree, in characters; `None` for any.

    Returns:
        The plain value; `None` for an empty dict in a field that may be absent, as it says nothing.

    Raises:
        RecordError: The value has no meaning in that field.
    """
    try:
        plain = _tree(value, tree_text) if field.column is Column.TREE else _COERCIONS[field.column](value)
    except _Refused as reason:
        raise RecordError(f"{where}: {field.name} {reason}") from None
    except Exception as error:  # noqa: BLE001 - a foreign object may raise anything when it is asked for its value
        why = f"{type(error).__name__}: {error}"
        raise RecordError(f"{where}: {field.name} cannot be read ({why}), got {shown(value)}") from None
    return None if plain == {} and not field.required else plain


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
    """Undo `spelled`, in place for dicts and lists."""
    if type(value) is str:
        return NON_FINITE.get(value, value)
    if type(value) is dict:
        for key, item in value.items():
            value[key] = unspelled(item)
    elif type(value) is list:
        value[:] = [unspelled(item) for item in value]
    return value


def plain_scalar(value: Any) -> Any:
    """Make a NumPy, torch or enum scalar, or an array of one element, into plain Python; leave the rest alone."""
    if type(value) in {float, int, bool, str}:
        return value
    if isinstance(value, enum.Enum):
        return plain_scalar(value.value)
    if _is_scalar(value):
        item = value.item()
        return float(item) if type(item) is type(value) else item  # NumPy's long double gives itself
    for base in (bool, int, float, str):  # subclasses
        if isinstance(value, base):
            return base(value)
    return value


def number_or_none(value: Any) -> float | None:
    """Convert a number of any type (Python, NumPy, torch, JAX), or an array of one element, to a float.

    Returns:
        The number; `None` for a text, a flag, an array of several elements, and a value that cannot be read.
    """
    if type(value) is float:
        return value
    try:
        return _number(value)
    except Exception:  # noqa: BLE001 - a foreign object may raise anything when it is asked for its value
        return None


def shown(value: Any) -> str:
    """Show a value in a message: shortly, with its type, whatever its own `repr` does."""
    try:
        text = _cut(_shortly.repr(value), _SHOWN)
    except Exception:  # noqa: BLE001 - an int of too many digits, a `repr` that raises
        text = "something"
    return f"{text} ({type(value).__name__})"


def _is_scalar(value: Any) -> bool:
    """Whether a foreign value holds one element; torch counts them with `numel`, NumPy with `size`."""
    if not callable(getattr(value, "item", None)):
        return False
    count = getattr(value, "numel", None)
    return bool((count() if callable(count) else getattr(value, "size", 1)) == 1)


def _number(value: Any) -> float:
    plain = plain_scalar(value)
    if type(plain) is float:  # nearly all of them, and asking a protocol takes as long as all the rest
        return plain
    if isinstance(plain, bool | str) or hasattr(plain, "__len__") or not isinstance(plain, SupportsFloat):
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
    raise _Refused(f"must be a number, a flag or short text, got {shown(value)}; nested values belong in `info`")


def _flat(convert: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    def coerced(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise _Refused(f"must be a dict, got {shown(value)}; {DICT_WANTED}")
        if len(value) > kinds.MAX_KEYS:
            raise _Refused(f"may have {kinds.MAX_KEYS} entries, got {len(value)}")
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


def _tree(value: Any, text: int | None) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _Refused(f"must be a dict, got {shown(value)}; {DICT_WANTED}")
    tree: dict[str, Any] = _branch(value, text, ())
    return tree


def _branch(value: Any, text: int | None, above: tuple[int, ...]) -> Any:
    plain = plain_scalar(value)
    if isinstance(plain, int) and plain.bit_length() > _MOST_BITS:
        raise _Refused(f"holds a whole number of {plain.bit_length():,} bits; {_MOST_BITS:,} is the most")
    if plain is None or isinstance(plain, bool | int | float):
        return plain
    if isinstance(plain, str):
        return NON_FINITE[plain] if plain in NON_FINITE else _cut(plain, text)
    if id(value) in above:
        raise _Refused("contains itself: a dict or list with a cycle cannot be written down")
    if len(above) >= MAX_DEPTH:
        raise _Refused(f"is nested deeper than {MAX_DEPTH} levels")
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
        said = msgspec.to_builtins(value, str_keys=True)  # a date, a dataclass, bytes, ...: as JSON has it
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _cut(repr(value), text)
    return _branch(said, text, inside)


def _items(value: Any) -> list[Any] | None:
    """The items of whatever is a list in JSON; `None` if it is none."""
    count = getattr(value, "numel", None)
    size = count() if callable(count) else getattr(value, "size", None)
    if isinstance(value, list | tuple | set | frozenset):
        size = len(value)
    if isinstance(size, int) and size > _MAX_ITEMS:
        raise _Refused(f"holds a list of {size} items; {_MAX_ITEMS} is the most: log an artifact instead")
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(value) if isinstance(value, list | tuple | set | frozenset) else None


def _free_key(key: Any, taken: Mapping[str, Any]) -> str:
    """A key as text; two keys that come to the same text would cost one of them its value."""
    name = _cut(str(key))
    if name in taken:
        raise _Refused(f"has two keys that both read {_cut(name, _SHOWN)!r}: rename one")
    return name


def _cut(text: str, limit: int | None = kinds.MAX_TEXT) -> str:
    """Keep the start of a text that is too long, and say how long it was."""
    # A lone surrogate has no UTF-8, and so no place in a file.
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
}
