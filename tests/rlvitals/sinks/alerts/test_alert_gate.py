"""Selection of the events that cause an alert."""

from collections.abc import Callable

import pytest

from rlvitals.records import Event
from rlvitals.sinks.alerts import Rules
from rlvitals.sinks.alerts.alert_gate import Gate

MakeFinding = Callable[..., Event]
CLOSED = {"state": "closed"}


def event(kind: str = "state", severity: str | None = "info", code: str | None = None) -> Event:
    return Event(time=1.0, kind=kind, message="something", severity=severity, code=code)


def passed(gate: Gate, *events: Event, now: float = 0.0) -> list[bool]:
    return [gate.passes(each, now) for each in events]


def test_warnings_and_critical_events_pass_by_default() -> None:
    """A missing or unknown severity counts as info."""

    gate = Gate(Rules())
    assert passed(gate, *(event(severity=severity) for severity in (None, "odd", "info", "warning", "critical"))) == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_kinds_can_pass_at_any_severity() -> None:
    """Milestones have the severity info, and can pass with `also`."""

    gate = Gate(Rules(severity="critical", also=["milestone"]))
    assert passed(gate, event("milestone"), event("note"), event("note", "critical")) == [True, False, True]


def test_kinds_and_codes_can_be_selected() -> None:
    """Only the selected kinds and codes pass, and ignored codes never pass."""

    only = Gate(Rules(kinds=["finding"], codes=["a", "b"], ignore=["b"]))
    chosen = [event(kind, "critical", code) for kind, code in (("finding", "a"), ("finding", "b"), ("finding", "c"))]
    assert passed(only, *chosen, event("state", "critical", "a")) == [True, False, False, False]


def test_a_finding_passes_once(finding: MakeFinding) -> None:
    """A repeat of an open finding does not pass, even with a lower severity."""

    gate = Gate(Rules())
    assert passed(gate, finding(), finding(), finding(severity="warning"), finding("other")) == [
        True,
        False,
        False,
        True,
    ]
    assert gate.repeats == 2


def test_a_finding_passes_again_when_its_severity_increases(finding: MakeFinding) -> None:
    """It passes once as a warning and once as critical."""

    gate = Gate(Rules())
    assert passed(gate, *(finding(severity=severity) for severity in ("warning", "critical", "critical"))) == [
        True,
        True,
        False,
    ]


def test_a_closed_finding_passes_and_can_open_again(finding: MakeFinding) -> None:
    """The closing passes at any severity if the opening passed. After that, the finding is new."""

    gate = Gate(Rules())
    over = finding(severity="info", data=CLOSED)
    assert passed(gate, over, finding(), over, over, finding()) == [False, True, True, False, True]
    quiet = Gate(Rules(closings=False))
    assert passed(quiet, finding(), over, finding()) == [True, False, True]


def test_all_milestones_of_a_code_pass() -> None:
    """Only findings are checked for repeats, so a second new best passes."""

    gate = Gate(Rules(also=["milestone"]))
    assert passed(gate, *[event("milestone", code="new-best")] * 2) == [True, True]


def test_events_beyond_the_limit_are_held_back_and_counted(finding: MakeFinding) -> None:
    """The limit applies to any window with the length of the period."""

    gate = Gate(Rules(most=2, period_s=60.0))
    warnings = [finding(code, "warning") for code in "abcd"]
    assert passed(gate, *warnings) == [True, True, False, False]
    assert gate.summary_due(59.9) is None
    assert gate.summary_due(60.0) == "warning"
    assert gate.held() == {"c": 1, "d": 1}
    assert gate.held() == {}
    assert passed(gate, finding("e", "warning"), finding("f", "warning"), now=60.0) == [True, False]


def test_critical_alerts_have_a_separate_limit(finding: MakeFinding) -> None:
    """Many warnings do not hold back a critical alert, but many critical alerts do."""

    gate = Gate(Rules(most=1))
    events = [finding("a", "warning"), finding("b", "warning"), finding("c"), finding("d")]
    assert passed(gate, *events) == [True, False, True, False]


def test_memory_is_bounded(finding: MakeFinding) -> None:
    """At most a thousand open findings are stored."""

    gate = Gate(Rules())
    for number in range(3_000):
        gate.passes(finding(f"code-{number}"), 0.0)
    assert len(gate._open) == 1_000


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"severity": "bad"}, "severity='bad'"),
        ({"also": "milestone"}, r"also='milestone': must be a list, such as \['milestone'\]"),
        ({"codes": "a"}, "codes='a'"),
        ({"most": 0}, "most=0"),
        ({"period_s": float("nan")}, "period_s=nan"),
    ],
)
def test_an_invalid_rule_is_rejected(rules: dict[str, object], said: str) -> None:
    """The error has the name and the value of the rule."""

    with pytest.raises(ValueError, match=said):
        Rules(**rules)  # type: ignore[arg-type]
