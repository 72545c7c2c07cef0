"""Findings as events of a run: recording and reading."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from rlvitals.diagnosis.finding import INFO, RANK, Finding
from rlvitals.records import Event

FINDING = "finding"
"""Kind of the events that report a finding; `data["state"]` is `opened` or `closed`."""
OPENED, CLOSED = "opened", "closed"
_LONGEST_MESSAGE = 1_000


class RecordedFinding(NamedTuple):
    """A finding as last reported by the events of a run, and whether it is open."""

    finding: Finding
    is_open: bool


def event_of(finding: Finding, state: str, *, time: float) -> Event:
    """Return the event that reports a finding.

    Args:
        finding: Finding.
        state: `opened` or `closed`.
        time: Time of the event (UTC, seconds since 1970).
    """
    data: dict[str, Any] = msgspec.to_builtins(finding)
    code, severity = data.pop("code"), data.pop("severity")
    is_open = state == OPENED
    return Event(
        time=time,
        kind=FINDING,
        message=(finding.sentence if is_open else f"{finding.title}: no longer seen")[:_LONGEST_MESSAGE],
        severity=severity if is_open else INFO,
        code=code,
        env_step=finding.since_step if is_open else None,
        data={"state": state, **data},
    )


def recorded_findings(events: Iterable[Event]) -> list[RecordedFinding]:
    """Return the findings that events report, each as last reported: open findings first, then by severity."""
    found: dict[str, RecordedFinding] = {}
    for event in events:
        if event.kind == FINDING:
            data = event.data if isinstance(event.data, Mapping) else {}
            finding = _finding(event, data)
            found.pop(finding.code, None)
            found[finding.code] = RecordedFinding(finding, data.get("state") != CLOSED)
    return sorted(
        found.values(),
        key=lambda one: (not one.is_open, -RANK.get(one.finding.severity, -1), -one.finding.confidence),
    )


def _finding(event: Event, data: Mapping[str, Any]) -> Finding:
    """Return the finding of an event. For an event that a user logged, fill in the fields that it has."""
    code = str(data.get("code") or event.code or event.message)
    plain = Finding(
        code=code, severity=event.severity or INFO, confidence=0.0, title=event.message, since_step=event.env_step
    )
    known = {name: data[name] for name in Finding.__struct_fields__ if name in data}
    fixed = {"code": code, "severity": plain.severity}
    try:
        return msgspec.convert({**msgspec.structs.asdict(plain), **known, **fixed}, Finding)
    except msgspec.ValidationError:
        return plain
