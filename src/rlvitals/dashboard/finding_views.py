"""The findings of a run, as pages show them: cause first, symptoms folded, each at its place on the curves."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from rlvitals.records import Event

KIND = "finding"
_OVER = frozenset({"closed", "ended", "over", "resolved", "gone"})
_RANK = {"critical": 0, "warning": 1, "info": 2}
_MOST_SYMPTOMS = 50
_STALLED = "stalled"
_NOT_ALIVE = frozenset({"stalled", "crashed", "failed"})
"""The statuses that the rule of that code finds."""


class Tally(msgspec.Struct, frozen=True):
    """How many findings are open, by severity."""

    critical: int = 0
    warning: int = 0
    info: int = 0


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """One finding.

    Attributes:
        code: Its stable name.
        severity: info, warning or critical.
        confidence: How sure the rule is of the cause, 0 to 1.
        at: Where it began, by clock.
        evidence: The numbers that it was seen by.
        series: The series to look at, as `stream.field`.
        open: Whether it still holds.
        symptoms: What it explains.
    """

    code: str
    severity: str
    title: str
    confidence: float | None = None
    since_step: int | None = None
    at: dict[str, float | None] = {}
    evidence: dict[str, Any] = {}
    series: list[str] = []
    cause: str = ""
    advice: str = ""
    source: str = ""
    open: bool = True
    symptoms: list["FindingView"] = []


def recorded_findings(events: Iterable[Event]) -> list[FindingView]:
    """The findings that a run's own events tell of: each as it was last told, open ones and worse ones first."""
    last: dict[str, Event] = {}
    for event in events:
        if event.kind == KIND:
            code = _code(event)
            last.pop(code, None)
            last[code] = event
    found = [_of_event(code, event) for code, event in last.items()]
    return sorted(found, key=lambda one: (not one.open, _RANK.get(one.severity, 3), -(one.confidence or 0.0)))


def tally(events: Iterable[Event], status: str) -> Tally:
    """Count the findings that are open.

    Args:
        events: The run's events, which hold the findings that its own monitor made.
        status: The run's status: that it is not alive is found by others.
    """
    found = [finding for finding in recorded_findings(events) if finding.open]
    severities = [finding.severity for finding in found]
    if status in _NOT_ALIVE and _STALLED not in {finding.code for finding in found}:
        severities.append("critical")
    return Tally(*(severities.count(severity) for severity in ("critical", "warning", "info")))


def _of_event(code: str, event: Event) -> FindingView:
    data = event.data if isinstance(event.data, Mapping) else {}
    symptoms = data.get("symptoms")
    step = data.get("since_step")
    return FindingView(
        code=code,
        severity=event.severity or "info",
        title=str(data.get("title") or event.message),
        confidence=_number(data.get("confidence")),
        since_step=step if isinstance(step, int) else event.env_step,
        evidence=_mapping(data.get("evidence")),
        series=[str(name) for name in data.get("series") or () if isinstance(name, str)],
        cause=str(data.get("cause") or ""),
        advice=str(data.get("advice") or ""),
        source=str(data.get("source") or ""),
        open=data.get("state") not in _OVER,
        symptoms=[_symptom(one) for one in symptoms[:_MOST_SYMPTOMS]] if isinstance(symptoms, list) else [],
    )


def _symptom(said: Any) -> FindingView:
    if not isinstance(said, Mapping):
        return FindingView(code=str(said), severity="info", title=str(said))
    return FindingView(
        code=str(said.get("code", "")),
        severity=str(said.get("severity", "info")),
        title=str(said.get("title") or said.get("code", "")),
        confidence=_number(said.get("confidence")),
        evidence=_mapping(said.get("evidence")),
        cause=str(said.get("cause") or ""),
        advice=str(said.get("advice") or ""),
    )


def _code(event: Event) -> str:
    data = event.data if isinstance(event.data, Mapping) else {}
    return str(data.get("code") or event.code or event.message)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _mapping(value: Any) -> dict[str, Any]:
    return {str(name): item for name, item in value.items()} if isinstance(value, Mapping) else {}
