"""Sink that writes records as structured messages of Python's `logging`."""

import logging
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from rlvitals.errors import ClosedError
from rlvitals.records import STREAM_OF, Event, Record
from rlvitals.records.coercion import spelled
from rlvitals.sinks.sink_context import RunSink, SinkContext

LOGGER = "rlvitals.records"
LEVELS: Mapping[str, int] = {
    "episodes": logging.DEBUG,
    "updates": logging.INFO,
    "evaluations": logging.INFO,
    "system": logging.DEBUG,
    "scalars": logging.DEBUG,
    "events": logging.INFO,
}
"""Default log level of each stream. Warning events are logged at `WARNING`, and critical events at `ERROR`."""

_LEVEL_OF_SEVERITY = {"warning": logging.WARNING, "critical": logging.ERROR}


class LoggingSink(RunSink):
    """Logs one message per record: `episodes episode=3 reward=1.5 ...`, or a JSON object.

    Missing fields are omitted. NaN and infinities are spelled as in the run folder. The log record also has the record
    itself as the attribute `rlvitals`, for handlers that use the values instead of the text.

    Args:
        logger: Logger, or its name.
        levels: Log level by stream, as name or number, for streams whose level differs from `LEVELS`.
        form: Message format, `logfmt` (`key=value`) or `json`.

    Raises:
        ValueError: The format or a stream is unknown.
    """

    def __init__(
        self,
        logger: str | logging.Logger = LOGGER,
        *,
        levels: Mapping[str, int | str] | None = None,
        form: Literal["logfmt", "json"] = "logfmt",
    ) -> None:
        if form not in {"logfmt", "json"}:
            raise ValueError(f"form={form!r}: must be 'logfmt' or 'json'")
        unknown = sorted(set(levels or ()) - set(LEVELS))
        if unknown:
            raise ValueError(f"levels: unknown stream {unknown[0]!r}. The streams are {', '.join(LEVELS)}.")
        self._logger = logging.getLogger(logger) if isinstance(logger, str) else logger
        self._levels = {stream: _level((levels or {}).get(stream, level)) for stream, level in LEVELS.items()}
        self._form = form
        self._run: dict[str, str] = {}
        self._closed = False

    @property
    def name(self) -> str:
        """Name of the sink."""
        return "logging"

    def begin(self, context: SinkContext) -> None:
        """Store the run name, which each message includes."""
        self._run = {"run": context.run_id}

    def write(self, record: Record) -> None:
        """Log a message, if its level is enabled.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        stream = STREAM_OF[type(record)]
        level = self._levels[stream]
        if isinstance(record, Event) and record.severity in _LEVEL_OF_SEVERITY:
            level = max(level, _LEVEL_OF_SEVERITY[record.severity])
        if not self._logger.isEnabledFor(level):
            return
        said = {name: value for name, value in msgspec.structs.asdict(record).items() if value is not None}
        message = self._json(stream, said) if self._form == "json" else self._logfmt(stream, said)
        self._logger.log(level, "%s", message, extra={"rlvitals": record})

    def close(self) -> None:
        """Stop logging. The handlers belong to the application and stay open."""
        self._closed = True

    def _json(self, stream: str, said: dict[str, Any]) -> str:
        return msgspec.json.encode({"stream": stream, **self._run, **spelled(said)}).decode()

    def _logfmt(self, stream: str, said: dict[str, Any]) -> str:
        pairs = [f"{name}={_value(value)}" for name, value in {**self._run, **said}.items()]
        return " ".join([stream, *pairs])


def _level(level: int | str) -> int:
    return level if isinstance(level, int) else logging.getLevelNamesMapping()[level.upper()]


def _value(value: Any) -> str:
    """Format a value for logfmt. Values with spaces, quotes, equals signs or non-printable characters are quoted."""
    if type(value) is bool:
        return "true" if value else "false"
    text = msgspec.json.encode(spelled(value)).decode() if isinstance(value, dict) else str(spelled(value))
    if text and text.isprintable() and not any(mark in text for mark in ' ="'):
        return text
    return msgspec.json.encode(text).decode()
