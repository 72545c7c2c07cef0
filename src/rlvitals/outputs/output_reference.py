"""The JSON outputs as pages: ``python -m rlvitals.outputs.output_reference docs/reference/json-output``."""

import json
import re
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rlvitals.outputs.command_outputs import OUTPUTS, output_schema
from rlvitals.outputs.json_schema import NUMBER, Schema

_OPENING = """\
# JSON output

Every command except `mcp` and `schema` has `--json`. `rlvitals schema COMMAND` prints the JSON Schema (draft 2020-12)
of its document. The schema allows no other keys, so it is valid for the version that printed it. Later versions can
add keys ([Stability](../../project/stability.md)).

- Times are seconds since 1970 (UTC), durations are seconds, and shares are between 0 and 1.
- A *number* can be one of the strings `"NaN"`, `"Infinity"` and `"-Infinity"`. An *integer* cannot.
- Missing values are `null`. Keys marked *optional* are absent if there is no value.

| command | document |
|---|---|
"""
_SHARED = """\
# Shared parts

Objects that occur in the documents of several commands.
"""
_SHARED_PAGE = "shared.md"
_PLACE = "#/$defs/"
_PAGES_OF_PARTS = {
    "Explored": "show-exploration.md",
    "Measured": "show-measures.md",
    "RunGroup": "compare-groups.md",
}
"""Objects that have a separate page, together with the objects that only they contain, because pages are short."""


def pages() -> dict[str, str]:
    """Return the pages as Markdown, by file name: `index.md`, `shared.md`, and one page per document."""
    schemas = {command: output_schema(command) for command in OUTPUTS}
    first = {kinds: command for command, kinds in reversed(OUTPUTS.items())}
    homes = _homes({command: schemas[command] for command in first.values()})
    rows = "".join(
        f"| `{command}` | [{', '.join(_title(kind) for kind in kinds)}]({first[kinds]}.md)"
        f"{', one per line' if command == 'tail' else ''} |\n"
        for command, kinds in OUTPUTS.items()
    )
    made = {"index.md": _OPENING + rows}
    definitions = {name: part for schema in schemas.values() for name, part in schema["$defs"].items()}
    for page in sorted(set(homes.values())):
        command = page.removesuffix(".md")
        roots = [_title(kind) for kind in OUTPUTS.get(command, ())]
        mine = [name for name, home in homes.items() if home == page and name != NUMBER]
        names = sorted(mine, key=lambda name: (name not in roots, name))
        opening = _SHARED if page == _SHARED_PAGE else f"# `rlvitals {command.partition('-')[0]} --json`{_part(page)}\n"
        made[page] = opening + "".join(_section(name, definitions[name], homes, page) for name in names)
    return made


def _part(page: str) -> str:
    return next((f": {name}" for name, home in _PAGES_OF_PARTS.items() if home == page), "")


def _homes(schemas: dict[str, Schema]) -> dict[str, str]:
    """Return the page that describes each object."""
    used = Counter(name for schema in schemas.values() for name in schema["$defs"])
    homes = {name: f"{command}.md" for command, schema in schemas.items() for name in schema["$defs"]}
    homes |= {name: _SHARED_PAGE for name, count in used.items() if count > 1}
    for command, schema in schemas.items():
        for part, page in _PAGES_OF_PARTS.items():
            if part in schema["$defs"]:
                elsewhere = _reachable(schema, {part})
                only = schema["$defs"].keys() - elsewhere
                homes |= {name: page for name in only if homes[name] == f"{command}.md"}
    return homes


def _reachable(schema: Schema, without: Collection[str]) -> set[str]:
    """Return the objects that a document can have without some of them."""
    found: set[str] = set()
    waiting = _names_in({key: value for key, value in schema.items() if key != "$defs"})
    while waiting:
        name = waiting.pop()
        if name not in found and name not in without:
            found.add(name)
            waiting |= _names_in(schema["$defs"][name])
    return found


def _names_in(part: Any) -> set[str]:
    return set(re.findall(rf'"{re.escape(_PLACE)}(\w+)"', json.dumps(part)))


def _title(kind: Any) -> str:
    title: str = kind.__name__
    return title


def _section(name: str, part: Schema, homes: dict[str, str], page: str) -> str:
    lines = ["", f"## {name}", "", _cell(part["description"]), "", "| key | type | meaning |", "|---|---|---|"]
    for key, one in part["properties"].items():
        optional = "" if key in part["required"] else ", optional"
        text = _cell(one.get("description", ""))
        lines.append(f"| `{key}` | {_type(one, homes, page)}{optional} | {text} |")
    return "\n".join(lines) + "\n"


def _type(part: Schema, homes: dict[str, str], page: str) -> str:
    """Return a type in words, with links to the objects in it."""
    if place := part.get("$ref"):
        name = place.removeprefix(_PLACE)
        if name == NUMBER:
            return "number"
        home = "" if homes[name] == page else homes[name]
        return f"[{name}]({home}#{name.lower()})"
    if options := part.get("anyOf"):
        return " or ".join(dict.fromkeys(_type(one, homes, page) for one in options))
    if "enum" in part:
        return " or ".join(f"`{value}`" for value in part["enum"])
    return _container(part, homes, page)


def _container(part: Schema, homes: dict[str, str], page: str) -> str:
    kind, values = part.get("type", "any value"), part.get("additionalProperties")
    if items := part.get("prefixItems"):
        return f"array of {' and '.join(_type(one, homes, page) for one in items)}"
    if kind == "array":
        return f"array of {_type(part.get('items') or {}, homes, page)}"
    return f"object of {_type(values, homes, page)}" if isinstance(values, dict) and values else str(kind)


def _cell(text: str) -> str:
    """Escape what Markdown would read as a table or as a tag, except inside backticks."""
    return re.sub(r"(`[^`]*`)|([|<])", lambda found: found[1] or f"\\{found[2]}", text)


if __name__ == "__main__":
    for _name, _text in pages().items():
        Path(sys.argv[1], _name).write_text(_text, encoding="utf-8")
