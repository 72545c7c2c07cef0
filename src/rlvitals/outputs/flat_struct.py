"""Structs whose keys are the fields of several other structs, for documents without nesting."""

import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

import msgspec

from rlvitals.outputs.json_schema import as_objects
from rlvitals.outputs.key_texts import key_texts


def flat(name: str, text: str, *parts: type[msgspec.Struct], without: frozenset[str] = frozenset()) -> Any:
    """Return a struct with the fields of several structs. A later part replaces a field of an earlier one.

    Args:
        name: Name of the struct.
        text: Description of the struct.
        parts: Structs whose fields become keys.
        without: Fields to leave out.
    """
    fields: dict[str, tuple[Any, ...]] = {}
    texts: dict[str, str] = {}
    for part in parts:
        hints, of_part = get_type_hints(part, include_extras=True), key_texts(part)
        for field in msgspec.structs.fields(part):
            if field.name not in without:
                optional = (msgspec.UNSET,) if field.default is msgspec.UNSET else ()
                fields[field.name] = (field.name, as_objects(hints[field.name]), *optional)
                texts[field.name] = of_part.get(field.name, "")
    lines = "\n".join(f"        {key}: {line}" for key, line in texts.items())
    documented = {"__doc__": f"{text}\n\n    Attributes:\n{lines}\n    "}
    return msgspec.defstruct(name, list(fields.values()), namespace=documented, frozen=True, kw_only=True)


def flattened(kind: Any, *parts: msgspec.Struct | Mapping[str, Any]) -> Any:
    """Return a document of a flat struct, with the values of its parts. A later part replaces an earlier value."""
    values: dict[str, Any] = {}
    for part in parts:
        values |= part if isinstance(part, Mapping) else msgspec.structs.asdict(part)
    return kind(**{name: values[name] for name in inspect.signature(kind).parameters if name in values})
