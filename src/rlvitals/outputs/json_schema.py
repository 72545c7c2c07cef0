"""JSON Schemas (2020-12) of printed documents, from the types of their structs."""

import functools
import operator
import types
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from rlvitals.outputs.key_texts import class_text, key_texts
from rlvitals.records.coercion import NON_FINITE

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBER = "Number"
"""Name of the definition of a number, which can be non-finite."""
_NUMBER = {
    "description": 'A number. Non-finite numbers are the strings "NaN", "Infinity" and "-Infinity".',
    "anyOf": [{"type": "number"}, {"enum": list(NON_FINITE)}],
}
_PLACES = "#/$defs/{name}"

Schema = dict[str, Any]


def json_schema(*kinds: Any) -> Schema:
    """Return the schema of a document that has one of several types. It allows no unknown keys.

    Args:
        kinds: Structs and other types that msgspec can describe.
    """
    roots, definitions = _described(*kinds)
    parts = {name: _as_printed(part) for name, part in definitions.items()}
    root = _as_printed(roots[0]) if len(roots) == 1 else {"anyOf": _as_printed(roots)}
    return {"$schema": DIALECT, **root, "$defs": {NUMBER: _NUMBER, **dict(sorted(parts.items()))}}


def input_schema(kind: type[msgspec.Struct]) -> Schema:
    """Return the schema of an object that is read, such as the arguments of a tool. Its keys are at the root."""
    _, definitions = _described(kind)
    return {**definitions.pop(kind.__name__), "$defs": definitions}


def _described(*kinds: Any) -> tuple[list[Schema], Schema]:
    """Return the schema of each type, and the objects in them, with descriptions."""
    roots: list[Schema] = []
    definitions: Schema = {}
    classes: dict[str, Any] = {}
    for kind in kinds:
        (root,), found = msgspec.json.schema_components([kind], ref_template=_PLACES)
        roots.append(root)
        definitions |= found
        _objects(inspect.type_info(kind), classes)
    for name, definition in definitions.items():
        _describe(definition, classes[name])
    return roots, definitions


@functools.cache
def as_objects(kind: Any) -> Any:
    """Return a type with each named tuple replaced by an object with its fields, which is how it is printed."""
    if isinstance(kind, type) and hasattr(kind, "_fields"):
        hints = [(name, as_objects(hint)) for name, hint in get_type_hints(kind, include_extras=True).items()]
        return msgspec.defstruct(kind.__name__, hints, namespace={"__doc__": kind.__doc__})
    arguments, origin = get_args(kind), get_origin(kind)
    if not arguments or origin in {Annotated, Literal}:
        return kind
    inner = tuple(argument if argument is ... else as_objects(argument) for argument in arguments)
    is_union = origin in {Union, types.UnionType}
    return functools.reduce(operator.or_, inner) if is_union else cast("Any", origin)[inner]


def _describe(definition: Schema, kind: Any) -> None:
    """Add descriptions to an object, allow only its keys, and require those that are always printed."""
    texts, properties = key_texts(kind), definition["properties"]
    definition["description"] = class_text(kind)
    definition["additionalProperties"] = False
    omits = kind.__struct_config__.omit_defaults
    required = set(definition.get("required", ()))
    definition["required"] = [
        name for name, one in properties.items() if name in required or ("default" in one and not omits)
    ]
    names = {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
    for name, one in properties.items():
        if not omits:
            one.pop("default", None)
        if text := texts.get(names[name]):
            one["description"] = text


def _as_printed(part: Any) -> Any:
    """Allow non-finite values wherever a number is allowed."""
    if isinstance(part, list):
        return [_as_printed(item) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("type") == "number":
        kept = {key: value for key, value in part.items() if key in {"default", "description"}}
        return {"$ref": _PLACES.format(name=NUMBER)} | kept
    return {key: _as_printed(value) for key, value in part.items()}


def _objects(kind: inspect.Type, found: dict[str, Any]) -> dict[str, Any]:
    """Add the structs in a type to those found, by name."""
    inner: list[inspect.Type] = []
    if isinstance(kind, inspect.StructType):
        if kind.cls.__name__ not in found:
            found[kind.cls.__name__] = kind.cls
            inner = [field.type for field in kind.fields]
    else:
        names = ("item_type", "key_type", "value_type", "type")
        inner = [one for name in names if isinstance(one := getattr(kind, name, None), inspect.Type)]
        inner += [*getattr(kind, "types", ()), *getattr(kind, "item_types", ())]
    for one in inner:
        _objects(one, found)
    return found
