"""Descriptions of the keys of a document, from the docstrings of its structs and from the metric dictionary."""

import inspect
import re
from typing import Any

from rlvitals.records.kinds import STREAM_OF
from rlvitals.records.metrics import METRICS

_SECTION = "Attributes:\n"
_ENTRY = re.compile(r"^    (\w+): ", re.MULTILINE)
_PYTHON = {"`None`": "`null`"}


def key_texts(kind: Any) -> dict[str, str]:
    """Return the description of each documented field of a class, by name. Inherited descriptions are included."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        _, _, entries = inspect.cleandoc(base.__dict__.get("__doc__") or "").partition(_SECTION)
        parts = _ENTRY.split(entries)[1:]
        found |= {name: _line(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}
    stream = STREAM_OF.get(kind)
    return found | {metric.name: f"{metric.title}. Unit: {metric.unit}." for metric in METRICS.get(stream or "", ())}


def class_text(kind: Any) -> str:
    """Return the description of a class, without that of its fields."""
    return _line(inspect.cleandoc(kind.__doc__ or "").partition(_SECTION)[0])


def _line(text: str) -> str:
    line = " ".join(text.split())
    for python, json in _PYTHON.items():
        line = line.replace(python, json)
    return line
