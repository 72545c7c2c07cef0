"""Structs with the fields of several structs."""

import msgspec

from rlvitals.outputs.flat_struct import flat, flattened
from rlvitals.outputs.key_texts import key_texts


class First(msgspec.Struct):
    """First.

    Attributes:
        a: The first a.
        b: The b.
    """

    a: int | None
    b: int


class Second(msgspec.Struct):
    """Second.

    Attributes:
        a: The second a.
        c: The c.
    """

    a: int
    c: int | msgspec.UnsetType = msgspec.UNSET


Both = flat("Both", "Both.", First, Second, without=frozenset({"b"}))


def test_a_later_part_replaces_a_field() -> None:
    """Type, description and value are those of the last part, at the first place."""
    assert Both.__struct_fields__ == ("a", "c")
    assert key_texts(Both) == {"a": "The second a.", "c": "The c."}
    assert flattened(Both, First(1, 2), {"c": 3}, Second(4)) == Both(a=4)


def test_values_that_are_unset_are_not_printed() -> None:
    """An optional key without a value is absent."""
    assert msgspec.to_builtins(flattened(Both, Second(4))) == {"a": 4}
