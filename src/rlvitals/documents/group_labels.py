"""Shorter labels for groups that are named after folders with a common parent."""

import os
from itertools import takewhile
from typing import Any

import msgspec

from rlvitals.comparison import Comparison


def shortened(found: Comparison) -> tuple[Comparison, str]:
    """Shorten the group names of a comparison.

    Args:
        found: The comparison.

    Returns:
        The changed comparison and the common folder that was removed from the names. The folder is empty if there is
        none.
    """
    names = [group.name for group in found.groups]
    prefix = _shared(names)
    if not prefix:
        return found, ""
    short = {name: name.removeprefix(prefix) for name in names}

    def text(sentence: str) -> str:
        for name in names:
            sentence = sentence.replace(name, short[name])
        return sentence

    def renamed(one: Any, *fields: str) -> Any:
        return msgspec.structs.replace(
            one, **{name: short.get(getattr(one, name), getattr(one, name)) for name in fields}
        )

    versus = [
        msgspec.structs.replace(
            renamed(one, "group", "baseline"), sentences=[text(sentence) for sentence in one.sentences]
        )
        for one in found.comparisons
    ]
    changed = msgspec.structs.replace(
        found,
        groups=[renamed(group, "name") for group in found.groups],
        comparisons=versus,
        runs=[renamed(one, "group") for one in found.runs],
        differences={
            setting: {short.get(name, name): value for name, value in values.items()}
            for setting, values in found.differences.items()
        },
        paired=[renamed(one, "group", "baseline") for one in found.paired],
        notes=[text(note) for note in found.notes],
    )
    return changed, prefix


def _shared(names: list[str]) -> str:
    """Return the folder that all names begin with. Empty if there is none, or if a name would become empty."""
    heads = [name.split(os.sep)[:-1] for name in names]  # noqa: PTH206 - any text may be a name
    shared = list(takewhile(lambda parts: len(set(parts)) == 1, zip(*heads, strict=False)))
    prefix = "".join(f"{parts[0]}{os.sep}" for parts in shared)
    return prefix if all(len(name) > len(prefix) for name in names) else ""
