"""Findings as events."""

from typing import Any

from rlvitals.diagnosis import Finding
from rlvitals.diagnosis.finding_events import CLOSED, OPENED, RecordedFinding, event_of, recorded_findings
from rlvitals.records import Event


def logged(code: str, severity: str = "warning", **data: Any) -> Event:
    return Event(time=1.0, kind="finding", message="m", severity=severity, code=code, data=data)


def test_a_finding_is_read_as_it_was_recorded() -> None:
    """An opened finding is read unchanged, and a closed one as info."""
    symptom = Finding(code="s", severity="info", confidence=0.1, title="symptom")
    finding = Finding(code="a", severity="critical", confidence=0.5, title="t", since_step=7, symptoms=(symptom,))
    opened, closed = (event_of(finding, state, time=1.0) for state in (OPENED, CLOSED))

    assert recorded_findings([opened]) == [RecordedFinding(finding, is_open=True)]
    ((over, is_open),) = recorded_findings([opened, closed])
    assert (over.title, over.symptoms, over.severity, is_open) == ("t", (symptom,), "info", False)


def test_open_findings_are_listed_first_then_the_most_severe() -> None:
    """Findings are read as last recorded, open ones first, then by severity; other events are ignored."""
    events = [logged("a"), logged("b"), logged("a", state=CLOSED), logged("c", "critical"), logged("b", "info")]
    note = Event(time=1.0, kind="note", message="m")

    found = [(one.finding.code, one.finding.severity, one.is_open) for one in recorded_findings([*events, note])]
    assert found == [("c", "critical", True), ("b", "info", True), ("a", "warning", False)]


def test_a_finding_that_a_user_logged_keeps_its_valid_fields() -> None:
    """Valid fields are kept; if a field is invalid, only the message is."""
    partly, odd = (recorded_findings([logged("x", **data)])[0].finding for data in ({"cause": "c"}, {"cause": 7}))

    assert (partly.title, partly.cause, partly.confidence) == ("m", "c", 0.0)
    assert odd == Finding(code="x", severity="warning", confidence=0.0, title="m")
