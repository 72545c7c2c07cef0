"""The slow way over the border: what a training loop really hands over, made into what a record can hold.

Called for the few records that are not plain already: NumPy and torch scalars become Python's, tuples and sets become
lists, whole floats become counts where a count is wanted, text that is too long is cut and says so, `None` in a flat
dict means absent. What has no meaning in its place is refused with the field, the value and the way out.
"""

import datetime as dt
import enum
import math
from collections.abc import Callable, Mapping
from typing import Any, SupportsFloat

from rlvitals.errors import RecordError
from rlvitals.records import kinds
from rlvitals.records.schema import Column, Field

NON_FINITE: Mapping[str, float] = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""How numbers that JSON cannot say are spelled in a line: strings, which pandas, DuckDB and polars cast to floats."""

_MAX_DEPTH = 16
_MAX_ITEMS = 10_000
_SHOWN = 60


def coerce(field: Field, value: Any, where: str) -> Any:
    """Make a value into plain Python of a field's type.

    Args:
        field: The field that is to hold it.
        value: What the caller gave; not `None`.
        where: The record, as the caller knows it, for the message.

    Returns:
        The plain value; `None` for an empty dict, which says nothing.

    Raises:
        RecordError: The value has no meaning in that field.
    """
    try:
        return _COERCIONS[field.column](value)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise RecordError(f"{where}: {field.name} {error}") from None


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
    item: Callable[[], Any] | None = getattr(value, "item", None)
    if item is not None and getattr(value, "size", 1) in {1, *_callable_size(value)}:
        return item()
    for base in (bool, int, float, str):  # subclasses
        if isinstance(value, base):
            return base(value)
    return value


def _callable_size(value: Any) -> tuple[Any, ...]:
    # torch's `size` is a method, NumPy's an attribute.
    return (value.size,) if callable(value.size) and value.numel() == 1 else ()


def _number(value: Any) -> float:
    plain = plain_scalar(value)
    if isinstance(plain, bool | str) or hasattr(plain, "__len__") or not isinstance(plain, SupportsFloat):
        raise TypeError(f"must be a number, got {_shown(value)}")
    return float(plain)


def _count(value: Any) -> int:
    plain = plain_scalar(value)
    if isinstance(plain, bool) or not isinstance(plain, int | float) or plain != plain // 1 or plain < 0:
        raise TypeError(f"must be a whole number of at least 0, got {_shown(value)}")
    if plain >= 2**63:
        raise ValueError(f"must be below 2**63, got {_shown(value)}")
    return int(plain)


def _text(value: Any) -> str:
    plain = plain_scalar(value)
    if not isinstance(plain, str | int | float):
        raise TypeError(f"must be text, got {_shown(value)}")
    return _cut(str(plain))


def _flag(value: Any) -> bool:
    plain = plain_scalar(value)
    if plain in (0, 1) and not isinstance(plain, str):
        return bool(plain)
    raise TypeError(f"must be True or False, got {_shown(value)}")


def _moment(value: Any) -> float:
    return value.timestamp() if isinstance(value, dt.datetime) else _number(value)


def _value(value: Any) -> Any:
    plain = plain_scalar(value)
    if isinstance(plain, str):
        return _cut(plain) if plain not in NON_FINITE else NON_FINITE[plain]
    if isinstance(plain, int):
        return plain if abs(plain) < 2**63 else float(plain)
    if isinstance(plain, float):
        return plain
    raise TypeError(f"must be a number, a flag or short text, got {_shown(value)}; nested values belong in `info`")


def _flat(convert: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any] | None]:
    def coerced(value: Any) -> dict[str, Any] | None:
        if not isinstance(value, Mapping):
            raise TypeError(f"must be a dict, got {_shown(value)}")
        if len(value) > kinds.MAX_KEYS:
            raise ValueError(f"may have {kinds.MAX_KEYS} entries, got {len(value)}")
        flat: dict[str, Any] = {}
        for key, item in dict(value).items():
            if item is None:
                continue
            try:
                flat[_cut(str(key))] = convert(item)
            except (TypeError, ValueError, OverflowError) as error:
                raise type(error)(f"[{_cut(str(key), _SHOWN)!r}] {error}") from None
        return flat or None

    return coerced


def _tree(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, Mapping):
        raise TypeError(f"must be a dict, got {_shown(value)}")
    tree: dict[str, Any] = _branch(value, ())
    return tree or None


def _branch(value: Any, above: tuple[int, ...]) -> Any:
    plain = plain_scalar(value)
    if plain is None or isinstance(plain, bool | float):
        return plain
    if isinstance(plain, int):
        return plain if abs(plain) < 2**63 else float(plain)
    if isinstance(plain, str):
        return NON_FINITE[plain] if plain in NON_FINITE else _cut(plain)
    if id(value) in above:
        raise ValueError("contains itself: a dict or list with a cycle cannot be written down")
    if len(above) >= _MAX_DEPTH:
        raise ValueError(f"is nested deeper than {_MAX_DEPTH} levels")
    inside = (*above, id(value))
    if isinstance(value, Mapping):
        return {_cut(str(key)): _branch(item, inside) for key, item in dict(value).items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        if len(value) > _MAX_ITEMS:
            raise ValueError(f"holds a list of {len(value)} items; {_MAX_ITEMS} is the most: log an artifact instead")
        return [_branch(item, inside) for item in value]
    return _cut(repr(value))


def _cut(text: str, limit: int = kinds.MAX_TEXT) -> str:
    """Keep the start of a text that is too long, and say how long it was."""
    # A lone surrogate has no UTF-8, and so no place in a file.
    text = text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
    if len(text) <= limit:
        return text
    note = f"… ({len(text)} characters)"
    return text[: limit - len(note)] + note


def _shown(value: Any) -> str:
    return f"{_cut(repr(value), _SHOWN)} ({type(value).__name__})"


_COERCIONS: dict[Column, Callable[[Any], Any]] = {
    Column.NUMBER: _moment,
    Column.COUNT: _count,
    Column.TEXT: _text,
    Column.FLAG: _flag,
    Column.VALUES: _flat(_value),
    Column.NUMBERS: _flat(_number),
    Column.TREE: _tree,
}
