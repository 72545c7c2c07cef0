"""Alerts passed to a function."""

from collections.abc import Callable

import pytest

from rlvitals.records import Event, Record
from rlvitals.sinks import Sink
from rlvitals.sinks.alerts import Alert, CallableAlerts
from rlvitals.testing.sinks import SinkContract

MakeFinding = Callable[..., Event]


class TestContract(SinkContract):
    kinds = frozenset()  # alerts cannot be read back as records

    def make_sink(self) -> Sink:
        return CallableAlerts(str)

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def test_the_function_receives_the_alert(finding: MakeFinding) -> None:
    """The alert has the data of the event, and the sink has the name of the function."""

    alerts: list[Alert] = []

    def page(alert: Alert) -> None:
        alerts.append(alert)

    sink = CallableAlerts(page, severity="critical")
    sink.write(finding("a", "warning"))
    sink.write(finding("b"))
    assert sink.name == "page"
    assert [(alert.code, alert.data["confidence"]) for alert in alerts] == [("b", 0.97)]


def test_a_function_that_raises_receives_the_next_alert(finding: MakeFinding) -> None:
    """The alert that failed is not retried."""

    seen: list[str] = []

    def page(alert: Alert) -> None:
        seen.append(alert.code)
        raise KeyError("a bug")

    sink = CallableAlerts(page)
    for code in ("a", "b"):
        with pytest.raises(KeyError):
            sink.write(finding(code))
    assert seen == ["a", "b"]
