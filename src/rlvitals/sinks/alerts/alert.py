"""An alert: an event prepared for a notification, with the name of its run."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from rlvitals.formatting import number
from rlvitals.records import Event
from rlvitals.records.coercion import spelled
from rlvitals.text_escaping import escape_control

SEVERITIES = ("info", "warning", "critical")
"""Severities in increasing order."""

DETAILS = ("cause", "evidence", "advice", "source")
"""Entries of an event's data that are shown, in this order."""

_MOST_HELD = 5


class Alert(NamedTuple):
    """An event, and the number of alerts held back before it.

    Attributes:
        run: Name of the run.
        project: Project of the run, or an empty string.
        time: Time of the event (UTC, seconds since 1970).
        kind: Kind of event: `finding`, `milestone`, `state`, ...
        severity: `info`, `warning` or `critical`.
        code: Stable identifier of the event for programs, or an empty string.
        message: Description of the event, in one sentence.
        closed: Whether the event reports that a finding has closed.
        env_step: Environment step, or `None` if unknown.
        episode: Episode number, or `None` if unknown.
        data: Further data of the event.
        held: Number of alerts held back since the last alert, by code.
    """

    run: str
    project: str
    time: float
    kind: str
    severity: str
    code: str
    message: str
    closed: bool = False
    env_step: int | None = None
    episode: int | None = None
    data: Mapping[str, Any] = {}
    held: Mapping[str, int] = {}

    @property
    def title(self) -> str:
        """Title of the alert: its severity (or `resolved`), its code or kind, and the run."""
        what = self.code or self.kind
        said = f"resolved: {what}" if self.closed else f"{self.severity}: {what}"
        return escape_control(f"{said} in {self.run}" if self.run else said)

    def details(self) -> dict[str, str]:
        """Return the step, the episode, the shown entries of the data, and the alerts held back, as text by label."""
        found: dict[str, str] = {}
        if self.env_step is not None:
            found["step"] = f"{self.env_step:,}"
        if self.episode is not None:
            found["episode"] = f"{self.episode:,}"
        for name in DETAILS:
            if self.data.get(name) not in (None, "", {}, []):
                found[name] = escape_control(said(self.data[name]))
        if self.held:
            found["held back"] = held_back(self.held)
        return found

    def text(self) -> str:
        """Return the alert as plain text, with one line per detail."""
        lines = [f"{name}: {detail}" for name, detail in self.details().items()]
        return "\n".join([escape_control(self.message), *lines])


def alert_of(event: Event, run: str, project: str) -> Alert:
    """Create an alert from an event.

    Args:
        event: Event of the run.
        run: Name of the run.
        project: Project of the run.
    """
    data = event.data or {}
    return Alert(
        run=run,
        project=project,
        time=event.time,
        kind=event.kind,
        severity=severity_of(event),
        code=event.code or "",
        message=event.message,
        closed=data.get("state") == "closed",
        env_step=event.env_step,
        episode=event.episode,
        data=data,
    )


def severity_of(event: Event) -> str:
    """Return the severity of an event. An unknown or missing severity counts as `info`."""
    return event.severity if event.severity in SEVERITIES else "info"


def held_back(held: Mapping[str, int]) -> str:
    """Format the number of alerts held back: `12 more: kl-too-large 8, entropy-collapse 4`."""
    most = sorted(held.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{code} {count}" for code, count in most[:_MOST_HELD]]
    others = sum(count for _, count in most[_MOST_HELD:])
    return escape_control(
        f"{sum(held.values())} more: {', '.join([*named, *([f'others {others}'] if others else [])])}"
    )


def said(value: Any) -> str:
    """Format a value of an event's data: text unchanged, dicts as `name value`, lists separated by semicolons."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {said(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(said, value))
    return msgspec.json.encode(spelled(value)).decode()


def fitted(text: str, most: int, escape: Callable[[str], str] = str, size: Callable[[str], int] = len) -> str:
    """Escape a text, and truncate it to the limit of a service.

    The text is truncated between characters, so that no escape sequence is split.

    Args:
        text: Text to escape.
        most: Maximum size of the result, in the unit of `size`.
        escape: Callback that escapes one character.
        size: Callback that returns the size of a text. Default: the number of characters.
    """
    whole = "".join(map(escape, text))
    if size(whole) <= most:
        return whole
    kept, left = [], most - size("…")
    for character in text:
        escaped = escape(character)
        left -= size(escaped)
        if left < 0:
            break
        kept.append(escaped)
    return "".join(kept) + "…"
