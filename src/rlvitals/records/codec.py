"""Encoding and decoding of records as lines of JSON. Every record is validated here, once.

Absent, NaN, +infinity and -infinity are four different states, both in memory and on disk. An absent field is left out
of the line. Strict JSON has no non-finite numbers, so these are written as the strings `"NaN"`, `"Infinity"` and
`"-Infinity"`. As a consequence, one of these strings in a dict of custom values is read back as the number.
"""

from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from rlvitals.errors import RecordError
from rlvitals.records import kinds
from rlvitals.records.coercion import MAX_DEPTH, coerce, shown, spelled, unspelled
from rlvitals.records.schema import Column, fields

MAX_LINE = 1 << 20
"""Maximum length of a line, in bytes."""

R = TypeVar("R", bound=kinds.Record)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_convert = msgspec.convert
_set = msgspec.structs.force_setattr
_FREE = {Column.VALUES, Column.TREE, Column.ROWS}
_LOOSE_VALUE = kinds.Integer | float | bool | kinds.Text
_LOOSE: dict[Column, Any] = {
    Column.NUMBER: float,
    Column.COUNT: kinds.Count,
    Column.TEXT: kinds.Text,
    Column.FLAG: bool,
    Column.VALUES: dict[kinds.Text, _LOOSE_VALUE],
    Column.NUMBERS: dict[kinds.Text, float],
    Column.TREE: kinds.Json,
    Column.ROWS: list[dict[kinds.Text, _LOOSE_VALUE | dict[kinds.Text, _LOOSE_VALUE]]],
}


class Codec(Generic[R]):
    """Encoder and decoder for one kind of record.

    Args:
        kind: Record class.
    """

    def __init__(self, kind: type[R]) -> None:
        self.kind = kind
        self._fields = fields(kind)
        self._free = tuple(field.name for field in self._fields if field.column in _FREE)
        self._trees = tuple(field.name for field in self._fields if field.column is Column.TREE)
        self._loose = _loose_twin(kind)
        self._decode = msgspec.json.Decoder(kind, strict=False).decode
        self._decode_loosely = msgspec.json.Decoder(self._loose, strict=False).decode

    def pack(self, values: dict[str, Any]) -> tuple[R, bytes]:
        """Validate the values of a record and encode them.

        Args:
            values: Values by field. `None` means absent.

        Returns:
            The validated record, which shares no mutable object with `values`, and its line, including the newline.

        Raises:
            RecordError: A required value is missing, or a value is invalid for its field.
        """
        # Fast path: msgspec validates types and bounds in C and copies every flat dict. Non-finite numbers fail the
        # bounds. Nested trees are not validated by the conversion.
        try:
            record = _convert(values, self.kind)
            line = _encode(record)
            for name in self._trees:
                if values.get(name) is not None and not _plant(record, name):
                    return self._pack_with_care(values)
            if len(line) < MAX_LINE:
                return record, line + b"\n"
        except Exception:  # noqa: BLE001, S110 - a foreign object may raise anything; the slow path names the field
            pass
        return self._pack_with_care(values)

    def unpack(self, line: bytes) -> R:
        """Decode one line.

        Raises:
            RecordError: The line is not a complete, valid record.
        """
        try:
            record = self._decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            record = self._unpack_with_care(line)
        if self._free and (b'NaN"' in line or b'Infinity"' in line):
            for name in self._free:
                unspelled(getattr(record, name))
        return record

    def from_plain(self, values: dict[str, Any]) -> R:
        """Make a validated record from plain Python values, without `None`.

        Raises:
            RecordError: A required value is missing, or a value is invalid for its field.
        """
        return self._checked(values, self._name(values))

    def _pack_with_care(self, given: dict[str, Any]) -> tuple[R, bytes]:
        where = self._name(given)
        record, line = self._coerced(given, where, tree_text=None)
        if self._trees and len(line) > MAX_LINE:  # a tree may hold long text if the line has room for it
            record, line = self._coerced(given, where, tree_text=kinds.MAX_TEXT)
        if len(line) > MAX_LINE:
            raise RecordError(
                f"{where}: the record has {len(line)} bytes, and at most {MAX_LINE} are allowed; save large values "
                "as artifacts"
            )
        return record, line

    def _coerced(self, given: dict[str, Any], where: str, *, tree_text: int | None) -> tuple[R, bytes]:
        values: dict[str, Any] = {}
        for field in self._fields:
            value = given.get(field.name)
            plain = None if value is None else coerce(field, value, where, tree_text=tree_text)
            if plain is not None:
                values[field.name] = plain
            elif field.required:
                raise RecordError(f"{where}: {field.name} is missing; pass a value for it")
        record = self._checked(values, where)
        try:
            return record, _encode({name: spelled(value) for name, value in values.items()}) + b"\n"
        except (ValueError, OverflowError) as error:  # an integer with thousands of digits
            raise RecordError(f"{where}: the record cannot be serialised ({error}); log smaller integers") from None

    def _unpack_with_care(self, line: bytes) -> R:
        try:
            return self._tightened(self._decode_loosely(line))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RecordError(f"invalid record in stream {kinds.STREAM_OF[self.kind]}: {error}") from None

    def _checked(self, values: dict[str, Any], where: str) -> R:
        try:
            return self._tightened(_convert(values, self._loose))
        except msgspec.ValidationError as error:
            raise RecordError(f"{where}: {error}") from None

    def _tightened(self, loose: msgspec.Struct) -> R:
        return self.kind(**msgspec.structs.asdict(loose))

    def _name(self, values: dict[str, Any]) -> str:
        """Return the name of a record for messages, such as `Episode 12`."""
        number = values.get("episode", values.get("step"))
        return self.kind.__name__ if number is None else f"{self.kind.__name__} {_number_of(number)}"


def _plant(record: kinds.Record, name: str) -> bool:
    """Replace a tree by a copy, as it will be read back. Return `False` if the tree needs the slow path."""
    text = _encode(getattr(record, name))
    # Both None and non-finite numbers are encoded as null. Counting brackets is cheaper than measuring the depth, and
    # few trees have this many.
    if b"null" in text or text.count(b"{") + text.count(b"[") > MAX_DEPTH:
        return False
    tree = _decode(text)
    _set(record, name, unspelled(tree) if b'NaN"' in text or b'Infinity"' in text else tree)
    return True


def _number_of(number: Any) -> str:
    return str(number) if type(number) is int and abs(number) < 1 << 64 else shown(number)


def _loose_twin(kind: type[kinds.Record]) -> type[msgspec.Struct]:
    """Return a struct with the same fields that accepts non-finite numbers."""
    members: list[Any] = [
        (field.name, _LOOSE[field.column]) if field.required else (field.name, _LOOSE[field.column] | None, None)
        for field in fields(kind)
        if field.name != "writer"
    ]
    members.append(("writer", kinds.Count, 1))
    return msgspec.defstruct(f"Loose{kind.__name__}", members, kw_only=True, gc=False)


@cache
def codec_of(kind: type[R]) -> Codec[R]:
    """Return the shared codec of a record class."""
    return Codec(kind)


def line_of(record: kinds.Record) -> bytes:
    """Encode a validated record as a line, including the newline, exactly as `pack` does."""
    line = _encode(record)
    if b"null" in line:  # a non-finite number, or None in a tree
        line = _encode(spelled(msgspec.to_builtins(record)))
    return line + b"\n"
