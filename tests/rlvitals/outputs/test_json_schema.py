"""JSON Schemas of printed documents."""

import math
from typing import Any, Literal, NamedTuple

import msgspec
import pytest
from jsonschema import Draft202012Validator

from rlvitals.outputs.json_schema import as_objects, json_schema
from rlvitals.records.json_encoding import strict_json


class Point(NamedTuple):
    """A point.

    Attributes:
        x: Position in m.
    """

    x: float


class Leaf(msgspec.Struct, omit_defaults=True):
    """A leaf.

    Attributes:
        size: Size in m. `None` if unknown.
    """

    size: float | None = None


class Tree(msgspec.Struct):
    """A tree.

    Attributes:
        leaf: A leaf.
        origin: Source.
    """

    leaf: Leaf
    origin: str = msgspec.field(default="", name="from")
    extra: int | msgspec.UnsetType = msgspec.UNSET


def is_valid(document: Any, *kinds: Any) -> bool:
    return bool(Draft202012Validator(json_schema(*kinds)).is_valid(document))


@pytest.mark.parametrize("size", [1.5, math.nan, math.inf, -math.inf, None])
def test_an_encoded_struct_is_valid(size: float | None) -> None:
    """Whatever the encoder prints for a number is allowed."""
    assert is_valid(msgspec.json.decode(strict_json(Tree(Leaf(size)))), Tree)


@pytest.mark.parametrize(
    "document",
    [
        {"leaf": {}},
        {"leaf": {}, "from": "", "new": 1},
        {"leaf": {"size": "nan"}, "from": ""},
        {"leaf": {}, "origin": ""},
    ],
)
def test_other_documents_are_invalid(document: Any) -> None:
    """A key that is always printed is required, and other keys and other texts for numbers are refused."""
    assert not is_valid(document, Tree)


def test_optional_keys_can_be_absent() -> None:
    """Keys that are omitted at their default, and keys that are unset, are optional."""
    required = json_schema(Tree)["$defs"]

    assert (required["Leaf"]["required"], required["Tree"]["required"]) == ([], ["leaf", "from"])


def test_descriptions_come_from_docstrings() -> None:
    """A key is found by its printed name, and `None` is `null` in JSON."""
    parts = json_schema(Tree)["$defs"]

    assert parts["Leaf"]["properties"]["size"]["description"] == "Size in m. `null` if unknown."
    assert parts["Tree"]["properties"]["from"]["description"] == "Source."
    assert parts["Tree"]["description"] == "A tree."


def test_a_document_can_have_one_of_several_types() -> None:
    """Each type is allowed."""
    assert (is_valid({"size": 1}, Tree, Leaf), is_valid({"leaf": {}, "from": ""}, Tree, Leaf)) == (True, True)
    assert not is_valid({"x": 1}, Tree, Leaf)


def test_named_tuples_are_objects() -> None:
    """Named tuples in containers and unions become objects with their fields."""
    assert is_valid([{"x": "NaN"}], as_objects(tuple[Point, ...]))
    assert is_valid({"a": None}, as_objects(dict[str, Point | None]))
    assert not is_valid([[1.0]], as_objects(list[Point]))
    assert as_objects(Literal["a", "b"]) == Literal["a", "b"]
