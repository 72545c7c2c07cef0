"""Records to lines of JSON and back: the one border at which a record is checked.

Absent, NaN, +infinity and -infinity are four different things on both sides: an absent field is left out of its line,
and the other three are spelled `"NaN"`, `"Infinity"` and `"-Infinity"`, as strict JSON has no numbers for them. In a
dict of the user's own, a text that reads like one of these therefore comes back as the number.
"""

from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from rlvitals.errors import RecordError
from rlvitals.records import kinds
from rlvitals.records.coercion import MAX_DEPTH, coerce, shown, spelled, unspelled
from rlvitals.records.schema import Column, fields

MAX_LINE = 1 << 20
"""Longest line, in bytes."""

R = TypeVar("R", bound=kinds.Record)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_convert = msgspec.convert
_set = msgspec.structs.force_setattr
_FREE = {Column.VALUES, Column.TREE}
_LOOSE: dict[Column, Any] = {
    Column.NUMBER: float,
    Column.COUNT: kinds.Count,
    Column.TEXT: kinds.Text,
    Column.FLAG: bool,
    Column.VALUES: dict[kinds.Text, kinds.Integer | float | bool | kinds.Text],
    Column.NUMBERS: dict[kinds.Text, float],
    Column.TREE: kinds.Json,
}


class Codec(Generic[R]):
    """Packs and unpacks one kind of record.

    Args:
        kind: The record's class.
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
        """Check a record's values.

        Args:
            values: What the caller said, by field; `None` is absent.

        Returns:
            The checked record, which shares nothing mutable with the caller's values, and its line, ended by a newline.

        Raises:
            RecordError: A value that the record cannot hold.
        """
        # The conversion is the check: it is in C, knows every field's type and bounds (which no non-finite number
        # meets), and copies every flat dict. Of what is inside a tree it knows nothing.
        try:
            record = _convert(values, self.kind)
            line = _encode(record)
            for name in self._trees:
                if values.get(name) is not None and not _plant(record, name):
                    return self._pack_with_care(values)
            if len(line) < MAX_LINE:
                return record, line + b"\n"
        except Exception:  # noqa: BLE001, S110 - a foreign object may raise anything; with care it gets its name
            pass
        return self._pack_with_care(values)

    def unpack(self, line: bytes) -> R:
        """Read one line.

        Raises:
            RecordError: The line is not a whole record.
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
        """Make a checked record of plain Python values, of which none is `None`.

        Raises:
            RecordError: A value that the record cannot hold, or one that is missing.
        """
        return self._checked(values, self._name(values))

    def _pack_with_care(self, given: dict[str, Any]) -> tuple[R, bytes]:
        where = self._name(given)
        record, line = self._coerced(given, where, tree_text=None)
        if self._trees and len(line) > MAX_LINE:  # a long text in a tree is welcome, as long as there is room for it
            record, line = self._coerced(given, where, tree_text=kinds.MAX_TEXT)
        if len(line) > MAX_LINE:
            raise RecordError(
                f"{where}: {len(line)} bytes in one record, {MAX_LINE} is the most: log large things as artifacts"
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
                raise RecordError(f"{where}: {field.name} is missing, and must be given")
        record = self._checked(values, where)
        try:
            return record, _encode({name: spelled(value) for name, value in values.items()}) + b"\n"
        except (ValueError, OverflowError) as error:  # a whole number of some thousand digits
            raise RecordError(f"{where}: cannot be written down: {error}") from None

    def _unpack_with_care(self, line: bytes) -> R:
        try:
            return self._tightened(self._decode_loosely(line))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RecordError(f"not a line of {kinds.STREAM_OF[self.kind]}: {error}") from None

    def _checked(self, values: dict[str, Any], where: str) -> R:
        try:
            return self._tightened(_convert(values, self._loose))
        except msgspec.ValidationError as error:
            raise RecordError(f"{where}: {error}") from None

    def _tightened(self, loose: msgspec.Struct) -> R:
        return self.kind(**msgspec.structs.asdict(loose))

    def _name(self, values: dict[str, Any]) -> str:
        """Name a record as its caller knows it: `Episode 12`."""
        number = values.get("episode", values.get("step"))
        return self.kind.__name__ if number is None else f"{self.kind.__name__} {_number_of(number)}"


def _plant(record: kinds.Record, name: str) -> bool:
    """Give a record a tree of its own, as it will be read back; `False` if the tree needs a closer look."""
    text = _encode(getattr(record, name))
    # A non-finite number is null here, as None is; and as many brackets as levels are allowed are seldom as deep.
    if b"null" in text or text.count(b"{") + text.count(b"[") > MAX_DEPTH:
        return False
    tree = _decode(text)
    _set(record, name, unspelled(tree) if b'NaN"' in text or b'Infinity"' in text else tree)
    return True


def _number_of(number: Any) -> str:
    return str(number) if type(number) is int and abs(number) < 1 << 64 else shown(number)


def _loose_twin(kind: type[kinds.Record]) -> type[msgspec.Struct]:
    """A struct of the same fields, in which a number may be non-finite."""
    members: list[Any] = [
        (field.name, _LOOSE[field.column]) if field.required else (field.name, _LOOSE[field.column] | None, None)
        for field in fields(kind)
        if field.name != "writer"
    ]
    members.append(("writer", kinds.Count, 1))
    return msgspec.defstruct(f"Loose{kind.__name__}", members, kw_only=True, gc=False)


@cache
def codec_of(kind: type[R]) -> Codec[R]:
    """The one codec of a kind of record."""
    return Codec(kind)


def line_of(record: kinds.Record) -> bytes:
    """The line of a checked record, ended by a newline: as `pack` wrote it."""
    line = _encode(record)
    if b"null" in line:  # a number that is not finite, or None in a tree
        line = _encode(spelled(msgspec.to_builtins(record)))
    return line + b"\n"
