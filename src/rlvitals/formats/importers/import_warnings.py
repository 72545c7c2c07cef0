"""Warnings of an import about data that it left out or assumed, as events of the run."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError
from rlvitals.records import Event, Record, codec_of

IMPORT = "import"
"""Event kind of import warnings."""

_SHOWN = 5
_LONGEST = 60


class ImportWarnings:
    """Collector of import warnings. All rows of a file with the same damage become one event."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[tuple[int, str]]] = {}
        self._messages: dict[str, dict[str, Any]] = {}

    @property
    def messages(self) -> list[str]:
        """The messages until now, without those about rows."""
        return list(self._messages)

    def add(self, message: str, **data: Any) -> None:
        """Add a message. Repeated messages are added once.

        Args:
            message: Sentence with the missing or assumed data and its location.
            data: Details as event data.
        """
        self._messages.setdefault(message, data)

    def add_row(self, file: Path, line: int, text: str, what: str) -> None:
        """Add a damaged row of a file.

        Args:
            file: Path of the file.
            line: Line number, from 1.
            text: Text of the row.
            what: The damage and its effect, such as `is damaged; the import leaves its episode out`.
        """
        self._rows.setdefault((str(file), what), []).append((line, text))

    def events(self, time: float) -> Iterator[Event]:
        """Yield one event per warning.

        Args:
            time: Time of the events (UTC, seconds since 1970).
        """
        for (file, what), rows in self._rows.items():
            yield warning(time, _rows_said(file, what, rows), file=file, lines=[line for line, _ in rows[:1_000]])
        for message, data in self._messages.items():
            yield warning(time, message, **data)


def with_warnings(records: Iterable[Record], warnings: ImportWarnings, path: Path) -> Iterator[Record]:
    """Yield the records of an import, followed by its warnings as events.

    Args:
        records: Records to yield. Reading them collects the warnings.
        warnings: Warnings of the import.
        path: Imported path, for the error message.

    Raises:
        ImportFormatError: There are no records. The message includes the warnings.
    """
    last: float | None = None
    for record in records:
        last = record.time if last is None else max(last, record.time)
        yield record
    events = list(warnings.events(last or 0.0))
    if last is None:
        raise ImportFormatError(" ".join([f"{path} has no records.", *(event.message for event in events)]))
    yield from events


def warning(time: float, message: str, **data: Any) -> Event:
    """Create the event of a warning.

    Args:
        time: Time of the event (UTC, seconds since 1970).
        message: Sentence with the missing or assumed data and its location.
        data: Details as event data.
    """
    said = {"time": time, "kind": IMPORT, "message": message, "severity": "warning", "data": data or None}
    event: Event = codec_of(Event).pack(said)[0]
    return event


def import_warnings(events: Iterable[Any]) -> list[str]:
    """Return the messages of the import warnings among the events of a run."""
    return [event.message for event in events if event.kind == IMPORT and event.severity == "warning"]


def _rows_said(file: str, what: str, rows: list[tuple[int, str]]) -> str:
    line, text = rows[0]
    if len(rows) == 1:
        return f"{file}, line {line} ({text[:_LONGEST]!r}) {what}."
    named = ", ".join(f"{line} ({text[:_LONGEST]!r})" for line, text in rows[:_SHOWN])
    more = f", and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return f"{file}: {len(rows)} rows; each {what}: lines {named}{more}."
