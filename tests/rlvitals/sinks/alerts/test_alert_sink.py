"""Common behaviour of alert channels: selection, rate limit, queue and retries."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlvitals import TrainingMonitor
from rlvitals.errors import SinkError
from rlvitals.records import Episode, Event, Record
from rlvitals.sinks import Isolated, Sink, SinkContext, make_sink
from rlvitals.sinks.alerts import Alert, AlertSink, DeliveryError
from rlvitals.testing.manual_clock import ManualClock
from rlvitals.testing.sinks import SinkContract

MakeFinding = Callable[..., Event]
EPISODE = Episode(time=1.0, episode=1, reward=1.0, length=10)


class Mailbox(AlertSink):
    """Channel that stores alerts, or raises an error while one is set."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        super().__init__(clock=self.clock, **options)
        self.alerts: list[Alert] = []
        self.error: Exception | None = None
        self.attempts = 0

    def deliver(self, alert: Alert) -> None:
        self.attempts += 1
        if self.error is not None:
            raise self.error
        self.alerts.append(alert)

    @property
    def codes(self) -> list[str]:
        return [alert.code or alert.kind for alert in self.alerts]


class TestContract(SinkContract):
    kinds = frozenset()  # alerts cannot be read back as records

    def make_sink(self) -> Sink:
        return Mailbox()

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def fails(sink: Sink, record: Record) -> bool:
    try:
        sink.write(record)
    except DeliveryError:
        return True
    return False


def test_an_alert_includes_its_run(context: SinkContext, finding: MakeFinding) -> None:
    """This distinguishes alerts of several runs in one channel."""

    sink = Mailbox()
    sink.begin(context)
    sink.write(finding())
    assert [(alert.run, alert.project, alert.env_step) for alert in sink.alerts] == [("ppo 1", "logos: small", 20_480)]


def test_the_next_alert_has_the_number_of_alerts_held_back(finding: MakeFinding) -> None:
    """They are counted by code."""

    sink = Mailbox(most=1, period_s=60.0)
    for code in ("a", "b", "c", "c"):
        sink.write(finding(code, "warning"))
    sink.clock.advance(60.0)
    sink.write(finding("d", "warning"))
    assert [(alert.code, alert.held) for alert in sink.alerts] == [("a", {}), ("d", {"b": 1, "c": 1})]


def test_a_summary_of_alerts_held_back_is_sent_after_the_period(finding: MakeFinding) -> None:
    """It is sent with the next record of any kind, and counts as an alert of the new period."""

    sink = Mailbox(most=1, period_s=60.0)
    for code in ("a", "b", "c"):
        sink.write(finding(code, "warning"))
    sink.clock.advance(59.0)
    sink.write(EPISODE)
    assert sink.codes == ["a"]
    sink.clock.advance(1.0)
    sink.write(EPISODE)
    sink.write(finding("d", "warning"))
    assert [alert.text() for alert in sink.alerts[1:]] == [
        "Alerts were held back\nstep: 20,480\nheld back: 2 more: b 1, c 1"
    ]


def test_a_summary_of_alerts_held_back_is_sent_on_close(finding: MakeFinding) -> None:
    """No alert is lost silently if the training ends before the period."""

    sink = Mailbox(most=1)
    for code in ("a", "b"):
        sink.write(finding(code))
    sink.close()
    assert [(alert.held, alert.severity) for alert in sink.alerts[1:]] == [({"b": 1}, "critical")]


def test_a_failed_alert_is_retried_later(finding: MakeFinding) -> None:
    """It is retried after a minute, and not with each record."""

    sink = Mailbox()
    sink.error = DeliveryError("away")
    assert fails(sink, finding())
    assert not fails(sink, EPISODE)
    assert not fails(sink, finding("other"))
    assert sink.attempts == 1
    sink.error = None
    sink.clock.advance(60.0)
    sink.write(EPISODE)
    assert sink.codes == ["kl-too-large", "other"]


def test_the_service_can_request_a_retry_time(finding: MakeFinding) -> None:
    """A server does this when it receives too many requests."""

    sink = Mailbox()
    sink.error = DeliveryError("too often", retry_s=5.0)
    assert fails(sink, finding())
    sink.clock.advance(5.0)
    assert fails(sink, EPISODE)
    assert sink.attempts == 2


def test_a_rejected_alert_is_not_retried(finding: MakeFinding) -> None:
    """This holds for a rejection by the service and for an error of the channel. The next alert is sent."""

    for error in (DeliveryError("no such channel", again=False), KeyError("a bug")):
        sink = Mailbox()
        sink.error = error
        with pytest.raises(type(error)):
            sink.write(finding())
        sink.error = None
        sink.write(EPISODE)
        sink.write(finding("other"))
        assert sink.codes == ["other"]


def test_the_queue_is_bounded_and_older_alerts_are_counted(finding: MakeFinding) -> None:
    """A hundred alerts are queued, and older ones are counted in the summary."""

    sink = Mailbox(most=1_000)
    sink.error = DeliveryError("away")
    for number in range(105):
        fails(sink, finding(f"code-{number}"))
    assert len(sink._pending) == 100
    sink.error = None
    sink.clock.advance(3_600.0)
    sink.write(EPISODE)
    told = sum(alert.kind == "finding" for alert in sink.alerts)
    assert told == 100
    assert told + sum(sum(alert.held.values()) for alert in sink.alerts) == 105


def test_closing_reports_alerts_that_could_not_be_delivered(finding: MakeFinding) -> None:
    """They are retried once on `close`, and the error has the number of undelivered alerts."""

    sink = Mailbox()
    sink.error = DeliveryError("away")
    assert fails(sink, finding())
    fails(sink, finding("other"))
    with pytest.raises(DeliveryError, match="2 alerts could not be delivered: away"):
        sink.close()
    assert sink.attempts == 2
    sink.close()


def test_a_record_without_an_alert_does_not_end_a_failure(finding: MakeFinding) -> None:
    """An unavailable service is reported once, until an alert is delivered again."""

    told: list[str] = []
    mailbox = Mailbox()
    sink = Isolated(mailbox, lambda _, what: told.append(what.partition(" ")[0]))
    mailbox.error = DeliveryError("away")
    for record in (finding(), EPISODE, EPISODE, finding("other"), EPISODE):
        sink.write(record)
    sink.flush()
    assert told == ["failed"]
    mailbox.error = None
    mailbox.clock.advance(60.0)
    sink.write(EPISODE)
    assert told == ["failed", "works"]


def test_an_unknown_rule_is_rejected() -> None:
    """Otherwise a typing error would turn off alerts silently."""

    with pytest.raises(TypeError, match="severities"):
        Mailbox(severities="critical")


def test_a_monitor_sends_alerts(tmp_path: Path) -> None:
    """A finding, and the exception that ends the training, cause alerts. Other records do not."""

    mailbox = Mailbox()
    monitor = TrainingMonitor(tmp_path, session_name="a", sinks=[mailbox])
    monitor.log_episode(0, 1.0, 10, env_step=10)
    monitor.log_event("finding", "Losses are not finite.", severity="critical", code="non-finite")
    monitor.fail(ZeroDivisionError("a bug"))
    assert [(alert.kind, alert.code, alert.run) for alert in mailbox.alerts] == [
        ("finding", "non-finite", "a"),
        ("state", "", "a"),
    ]


@pytest.mark.parametrize("name", ["slack", "discord", "webhook", "email"])
def test_channels_can_be_created_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their settings come from the environment, and the error for a missing setting has the variable."""

    for variable in ("WEBHOOK_URL", "SLACK_URL", "DISCORD_URL"):
        monkeypatch.setenv(f"RLVITALS_{variable}", "https://example.org/secret")
    monkeypatch.setenv("RLVITALS_EMAIL_TO", "me@example.org")
    monkeypatch.setenv("RLVITALS_SMTP_HOST", "mail.example.org")
    assert make_sink(name).name == name
    for variable in ("WEBHOOK_URL", "SLACK_URL", "DISCORD_URL", "SMTP_HOST"):
        monkeypatch.delenv(f"RLVITALS_{variable}")
    with pytest.raises(SinkError, match=f"cannot create the sink {name!r}: ValueError: .*set RLVITALS_"):
        make_sink(name)


def test_the_bell_can_be_created_by_name() -> None:
    """It does not need settings."""

    assert make_sink("bell").name == "bell"
