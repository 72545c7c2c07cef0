"""Folders that are parts of one training, and the tags of the values that are logged in them."""

import re
from pathlib import Path

_TRAINING = re.compile(r"train(ing)?|rollouts?", re.IGNORECASE)
_EVALUATION = re.compile(r"eval(uation)?s?|tests?|val(id(ation)?)?", re.IGNORECASE)
EVALUATION_TAG = "eval/"
"""Prefix of the tags of an evaluation."""


def is_part(name: str) -> bool:
    """Return whether a folder of this name is a part of the training whose folder contains it."""
    return _TRAINING.fullmatch(name) is not None or _EVALUATION.fullmatch(name) is not None


def training_of(folder: Path) -> Path:
    """Return the folder of the training that a folder belongs to: the one above it if it is a part."""
    return folder.parent if is_part(folder.name) and folder.parent.name else folder


def tag_prefix_of(folder: Path) -> str:
    """Return the prefix of the tags that are logged in a folder: `eval/` for evaluations, otherwise none."""
    return EVALUATION_TAG if _EVALUATION.fullmatch(folder.name) is not None else ""


def tag_in(folder: Path, tag: str) -> str:
    """Return the tag of a value that is logged in a folder, with the prefix of an evaluation if it is one."""
    return with_prefix(tag_prefix_of(folder), tag)


def with_prefix(prefix: str, tag: str) -> str:
    """Return a tag with a prefix, unless the tag has it already."""
    return tag if tag.startswith(prefix) else prefix + tag
