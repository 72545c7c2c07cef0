"""What an import left out or assumed, as events of the run."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError
from rlvitals.records import Event, Record, codec_of

IMPORT = "import"
"""The kind of these events."""

_SHOWN = 5
_LONGEST = 60


class ImportWarnings:
    """Collects what was left out, so that each kind of damage in a file is one event."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self._messages: dict[str, dict[str, Any]] = {}

    def add(self, message: str, **data: Any) -> None:
        """Add a sentence; the same sentence counts once.

        Args:
            message: What is missing or assumed, and where.
            data: Details for programs.
        """
        self._messages.setdefault(message, data)

    def add_row(self, file: Path, line: int, text: str, what: str) -> None:
        """Add a row of a file.

        Args:
            file: The file.
            line: Line number, from 1.
            text: The row.
            what: What is wrong with it and what becomes of it, such as `is damaged: its episode is missing`.
        """
        self._rows.setdefault((str(file), what), []).append((line, text))

    def events(self, time: float) -> Iterator[Event]:
        """Make an event of each.

        Args:
            time: Their time (UTC, seconds since 1970).
        """
        for (file, what), rows in self._rows.items():
            yield warning(time, _rows_said(file, what, rows), file=file, lines=[line for line, _ in rows[:1_000]])
        for message, data in self._messages.items():
            yield warning(time, message, **data)


def with_warnings(records: Iterable[Record], warnings: ImportWarnings, path: Path) -> Iterator[Record]:
    """Put the events of an import's warnings behind its records.

    Args:
        records: The records, whose reading collects the warnings.
        warnings: The warnings.
        path: What is imported, for the message.

    Raises:
        ImportFormatError: There is no record; the warnings say why.
    """
    last: float | None = None
    for record in records:
        last = record.time if last is None else max(last, record.time)
        yield record
    events = list(warnings.events(last or 0.0))
    if last is None:
        raise ImportFormatError(" ".join([f"{path} holds no record.", *(event.message for event in events)]))
    yield from events


def warning(time: float, message: str, **data: Any) -> Event:
    """Make the event of one warning.

    Args:
        time: Its time (UTC, seconds since 1970).
        message: What is missing or assumed, and where.
        data: Details for programs.
    """
    said = {"time": time, "kind": IMPORT, "message": message, "severity": "warning", "data": data or None}
    event: Event = codec_of(Event).pack(said)[0]
    return event


def import_warnings(events: Iterable[Any]) -> list[str]:
    """The messages of the warnings among a run's events."""
    return [event.message for event in events if event.kind == IMPORT and event.severity == "warning"]


def _rows_said(file: str, what: str, rows: list[tuple[int, str]]) -> str:
    line, text = rows[0]
    if len(rows) == 1:
        return f"{file}, line {line} ({text[:_LONGEST]!r}) {what}."
    named = ", ".join(f"{line} ({text[:_LONGEST]!r})" for line, text in rows[:_SHOWN])
    more = f", and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return f"{file}: {len(rows)} rows; each {what}: lines {named}{more}."
