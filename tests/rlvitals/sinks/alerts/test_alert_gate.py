"""What is worth an alert."""

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


def test_warnings_and_worse_pass() -> None:
    """By default; what says no severity is information."""

    gate = Gate(Rules())
    assert passed(gate, *(event(severity=severity) for severity in (None, "odd", "info", "warning", "critical"))) == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_kinds_may_pass_whatever_their_severity() -> None:
    """Milestones are information, and still somebody may want them."""

    gate = Gate(Rules(severity="critical", also=["milestone"]))
    assert passed(gate, event("milestone"), event("note"), event("note", "critical")) == [True, False, True]


def test_kinds_and_codes_can_be_chosen() -> None:
    """Only these kinds, only these codes, never those."""

    only = Gate(Rules(kinds=["finding"], codes=["a", "b"], ignore=["b"]))
    chosen = [event(kind, "critical", code) for kind, code in (("finding", "a"), ("finding", "b"), ("finding", "c"))]
    assert passed(only, *chosen, event("state", "critical", "a")) == [True, False, False, False]


def test_a_finding_passes_once(finding: MakeFinding) -> None:
    """The same again is no news, nor is it when it has become milder."""

    gate = Gate(Rules())
    assert passed(gate, finding(), finding(), finding(severity="warning"), finding("other")) == [
        True,
        False,
        False,
        True,
    ]
    assert gate.repeats == 2


def test_a_finding_that_became_graver_passes_again(finding: MakeFinding) -> None:
    """From warning to critical, once."""

    gate = Gate(Rules())
    assert passed(gate, *(finding(severity=severity) for severity in ("warning", "critical", "critical"))) == [
        True,
        True,
        False,
    ]


def test_a_finding_that_is_over_is_told_and_may_come_again(finding: MakeFinding) -> None:
    """Its closing passes if its opening did, whatever severity the closing says; then it is new."""

    gate = Gate(Rules())
    over = finding(severity="info", data=CLOSED)
    assert passed(gate, over, finding(), over, over, finding()) == [False, True, True, False, True]
    quiet = Gate(Rules(closings=False))
    assert passed(quiet, finding(), over, finding()) == [True, False, True]


def test_milestones_of_one_code_all_pass() -> None:
    """Only findings open and close: a second new best is news."""

    gate = Gate(Rules(also=["milestone"]))
    assert passed(gate, *[event("milestone", code="new-best")] * 2) == [True, True]


def test_what_is_too_much_is_held_back_and_counted(finding: MakeFinding) -> None:
    """At most so many a period, in any window of that length."""

    gate = Gate(Rules(most=2, period_s=60.0))
    warnings = [finding(code, "warning") for code in "abcd"]
    assert passed(gate, *warnings) == [True, True, False, False]
    assert gate.summary_due(59.9) is None
    assert gate.summary_due(60.0) == "warning"
    assert gate.held() == {"c": 1, "d": 1}
    assert gate.held() == {}
    assert passed(gate, finding("e", "warning"), finding("f", "warning"), now=60.0) == [True, False]


def test_critical_alerts_have_a_measure_of_their_own(finding: MakeFinding) -> None:
    """A flood of warnings holds none of them back; a flood of them is held back too."""

    gate = Gate(Rules(most=1))
    events = [finding("a", "warning"), finding("b", "warning"), finding("c"), finding("d")]
    assert passed(gate, *events) == [True, False, True, False]


def test_memory_is_bounded(finding: MakeFinding) -> None:
    """However many codes there are."""

    gate = Gate(Rules())
    for number in range(3_000):
        gate.passes(finding(f"code-{number}"), 0.0)
    assert len(gate._open) == 1_000


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"severity": "bad"}, "severity='bad'"),
        ({"also": "milestone"}, r"also='milestone': give several, such as \['milestone'\]"),
        ({"codes": "a"}, "codes='a'"),
        ({"most": 0}, "most=0"),
        ({"period_s": float("nan")}, "period_s=nan"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(rules: dict[str, object], said: str) -> None:
    """With its name and value."""

    with pytest.raises(ValueError, match=said):
        Rules(**rules)  # type: ignore[arg-type]
