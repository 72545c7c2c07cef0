"""An alert: an event as somebody is told of it who does not look at the run."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from rlvitals.formatting import number
from rlvitals.records import Event
from rlvitals.records.coercion import spelled
from rlvitals.text_escaping import escape_control

SEVERITIES = ("info", "warning", "critical")
"""From the least to the gravest."""

DETAILS = ("cause", "evidence", "advice", "source")
"""What of an event's data is told, in this order."""

_MOST_HELD = 5


class Alert(NamedTuple):
    """An event, and what was held back before it.

    Attributes:
        run: The run's name.
        project: What it belongs to.
        time: When it was (UTC, seconds since 1970).
        kind: What sort of event: `finding`, `milestone`, `state`, ...
        severity: `info`, `warning` or `critical`.
        code: A stable name for programs; empty if it has none.
        message: One sentence.
        closed: Whether it says that something is over.
        env_step: The environment step, if known.
        episode: The episode, if known.
        data: Whatever else the event said.
        held: How many others were held back since the last alert, by code.
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
        """What it is about, in a few words."""
        what = self.code or self.kind
        said = f"{what} is over" if self.closed else f"{self.severity}: {what}"
        return escape_control(f"{said} in {self.run}" if self.run else said)

    def details(self) -> dict[str, str]:
        """Where it was, and what its data says, as texts; then what was held back."""
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
        """The whole of it as plain text, a line for each detail."""
        lines = [f"{name}: {detail}" for name, detail in self.details().items()]
        return "\n".join([escape_control(self.message), *lines])


def alert_of(event: Event, run: str, project: str) -> Alert:
    """Make an alert of an event.

    Args:
        event: What happened.
        run: The run's name.
        project: What it belongs to.
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
    """How grave an event is; one that says something else, or nothing, is taken for information."""
    return event.severity if event.severity in SEVERITIES else "info"


def held_back(held: Mapping[str, int]) -> str:
    """Say how many were held back: `and 12 more: kl-too-large 8, entropy-collapse 4`."""
    most = sorted(held.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{code} {count}" for code, count in most[:_MOST_HELD]]
    others = sum(count for _, count in most[_MOST_HELD:])
    return escape_control(
        f"and {sum(held.values())} more: {', '.join([*named, *([f'others {others}'] if others else [])])}"
    )


def said(value: Any) -> str:
    """A value of an event's data in words: texts as they are, dicts as `name value`, lists with semicolons."""
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
    """Escape a text, and cut it where it would be longer than a service takes.

    It is cut between characters, so that no escaped one is torn.

    Args:
        text: As it is.
        most: Longest result, in what `size` counts.
        escape: Makes one character harmless.
        size: Counts.
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
