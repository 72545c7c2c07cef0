"""Hints about metric names that the monitor does not recognise, each given once."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from rlvitals.records import Record
from rlvitals.records.coercion import shown
from rlvitals.records.spelling import nearest_name

MAX_HINTS = 100
"""Maximum number of hints per monitor, so that generated names do not flood the log."""


class NameHints:
    """Finder of misspelled metric names, and of known names with a non-numeric value. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: set[str] = set()

    def new(
        self, own: Mapping[str, Any], kind: type[Record], refused: Mapping[str, str] | None = None
    ) -> Iterator[tuple[str, str]]:
        """Yield hints about names that have not had one yet.

        Args:
            own: Metrics whose names are not field names.
            kind: Record class of the metrics.
            refused: Field name for each known name whose value is not a single number.

        Yields:
            The metric name, and a hint of one or two sentences.
        """
        for name, value in own.items():
            if name in self._given or not isinstance(name, str):
                continue
            hint = _hint(name, value, kind, None if refused is None else refused.get(name))
            if hint is not None and self._is_first(name):
                yield name, f"{kind.__name__}: {hint}"

    def _is_first(self, name: str) -> bool:
        with self._lock:
            if name in self._given or len(self._given) >= MAX_HINTS:
                return False
            self._given.add(name)
            return True


def _hint(name: str, value: Any, kind: type[Record], field: str | None) -> str | None:
    if field is not None:
        return (
            f"{name!r} is kept as a custom metric because {field} must be a number, got {shown(value)}. Log a number."
        )
    nearest = nearest_name(name, kind)
    if nearest is None:
        return None
    return f"the name {name!r} is unknown and is kept as a custom metric. Did you mean {nearest!r}?"
