"""Hints at metric names that the monitor does not understand, each given once."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from rlvitals.records import Record
from rlvitals.records.coercion import shown
from rlvitals.records.spelling import nearest_name

MAX_HINTS = 100
"""Most hints of one monitor, so that names made by a program cannot fill the log."""


class NameHints:
    """Finds names that misspell a known one, and familiar names whose value is not a number. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: set[str] = set()

    def new(
        self, own: Mapping[str, Any], kind: type[Record], refused: Mapping[str, str] | None = None
    ) -> Iterator[tuple[str, str]]:
        """Find the names that no hint was given at yet.

        Args:
            own: Metrics under names that no field has.
            kind: The kind of record that they were given for.
            refused: The field of each familiar name whose value is not one number.

        Yields:
            The name, and the hint in one sentence or two.
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
        return f"{name!r} is kept as your own metric: {field} must be a number, got {shown(value)}. Log a number."
    nearest = nearest_name(name, kind)
    if nearest is None:
        return None
    return f"the name {name!r} is unknown and is kept as your own metric. Did you mean {nearest!r}?"
