"""Webhook alerts, sent to a local server."""

import math
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlvitals import TrainingMonitor
from rlvitals.records import Event, Record
from rlvitals.sinks import Sink, SinkContext
from rlvitals.sinks.alerts import DeliveryError, DiscordAlerts, SlackAlerts, WebhookAlerts
from rlvitals.testing.manual_clock import ManualClock
from rlvitals.testing.sinks import SinkContract

MakeFinding = Callable[..., Event]
SECRET = "T0KEN-abc123"  # noqa: S105 - not a real secret
CLOSED_PORT = f"http://127.0.0.1:1/services/{SECRET}"


@pytest.mark.parametrize("posts", [WebhookAlerts, SlackAlerts, DiscordAlerts], scope="class")
class TestContract(SinkContract):
    kinds = frozenset()  # alerts cannot be read back as records

    @pytest.fixture(autouse=True)
    def _served(self, server: Any, posts: type[WebhookAlerts]) -> None:
        self.server, self.posts = server, posts

    def make_sink(self) -> Sink:
        return self.posts(self.server.url)

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def refusal(sink: Sink, record: Record) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        sink.write(record)
    return caught.value


def test_an_alert_is_plain_json(server: Any, context: SinkContext, finding: MakeFinding) -> None:
    """It has all fields of the event, and the alert as text."""

    sink = WebhookAlerts(server.url)
    sink.begin(context)
    event = finding()
    sink.write(event)
    (body,) = server.bodies
    assert body.pop("text").startswith("The policy moves too far in each update.\nstep: 20,480\ncause: ")
    assert body == {
        "title": "critical: kl-too-large in ppo 1",
        "run": "ppo 1",
        "project": "logos: small",
        "time": 1_700_000_000.0,
        "kind": "finding",
        "severity": "critical",
        "code": "kl-too-large",
        "message": "The policy moves too far in each update.",
        "closed": False,
        "env_step": 20_480,
        "episode": None,
        "data": event.data,
        "held": {},
    }
    assert server.headers[0]["Content-Type"] == "application/json"


def test_non_finite_numbers_become_text(server: Any, finding: MakeFinding) -> None:
    """They are spelled as in the run folder."""

    sink = WebhookAlerts(server.url)
    sink.write(finding(data={"evidence": {"policy_loss": math.nan, "ratio": -math.inf}}, time=math.inf))
    assert server.bodies[0]["data"]["evidence"] == {"policy_loss": "NaN", "ratio": "-Infinity"}
    assert server.bodies[0]["time"] == "Infinity"


def test_an_alert_is_retried_after_a_server_error(server: Any, finding: MakeFinding) -> None:
    """After a status of 500 or above, the alert is sent again later."""

    clock = ManualClock()
    sink = WebhookAlerts(server.url, clock=clock)
    server.status = 500
    assert str(refusal(sink, finding())) == "127.0.0.1 responded with 500 (Internal Server Error)"
    server.status = 204
    clock.advance(60.0)
    sink.write(Event(time=1.0, kind="note", message="nothing"))
    assert [body["code"] for body in server.bodies] == ["kl-too-large"] * 2


def test_the_retry_after_header_is_used(server: Any, finding: MakeFinding) -> None:
    """Slack and Discord send it in seconds. Other values are ignored."""

    server.status = 429
    server.answer_headers = {"Retry-After": "7.5"}
    error = refusal(WebhookAlerts(server.url), finding())
    assert (error.again, error.retry_s) == (True, 7.5)
    server.answer_headers = {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}
    assert refusal(WebhookAlerts(server.url), finding()).retry_s is None


def test_a_rejected_alert_is_not_sent_again(server: Any, finding: MakeFinding) -> None:
    """A webhook that was removed (status 404) will not come back."""

    server.status = 404
    error = refusal(WebhookAlerts(server.url), finding())
    assert (error.again, str(error)) == (False, "127.0.0.1 responded with 404 (Not Found)")


def test_a_redirect_is_not_followed(server: Any, finding: MakeFinding) -> None:
    """Alerts are sent only to the URL chosen by the user."""

    server.status = 302
    server.answer_headers = {"Location": server.url + "/elsewhere"}
    assert "302" in str(refusal(WebhookAlerts(server.url), finding()))
    assert len(server.bodies) == 1


def test_a_request_without_a_response_times_out(server: Any, finding: MakeFinding) -> None:
    """It ends after the timeout, and the alert is retried."""

    server.silent.set()
    error = refusal(WebhookAlerts(server.url, timeout_s=0.05), finding())
    assert (error.again, str(error)) == (True, "127.0.0.1 did not respond within 0.05 s")


def test_the_error_for_an_unreachable_server_has_its_host(finding: MakeFinding) -> None:
    """It excludes the rest of the URL."""

    assert str(refusal(WebhookAlerts(CLOSED_PORT), finding())) == "127.0.0.1 cannot be reached: Connection refused"


@pytest.mark.parametrize("status", [None, 404, 500])
def test_the_url_is_a_secret(server: Any, finding: MakeFinding, status: int | None) -> None:
    """It is in no message, traceback or `repr`, even if the server repeats it."""

    server.status = status
    sink = WebhookAlerts(CLOSED_PORT if status is None else server.url)
    error = refusal(sink, finding())
    shown = [
        *traceback.format_exception(error),
        repr(sink),
        repr(sink._webhook),
        str(vars(sink)),
        str(vars(sink._webhook)),
    ]
    assert SECRET not in "".join(shown)
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://example.org/{SECRET}",
        f"file:///etc/{SECRET}",
        SECRET,
        f"https:///{SECRET}",
        f"https://example.org:{SECRET}/",
        f"https://[{SECRET}/",
        f"https://example.org/{SECRET} x",
        f"https://example.org/{SECRET}\r\nHost: x",
        f"https://example.org/{SECRET}ä",
    ],
)
def test_an_invalid_url_is_rejected_without_being_shown(url: str) -> None:
    """It is rejected when the channel is created, and the error has the remedy."""

    with pytest.raises(ValueError, match="pass url, or set RLVITALS_WEBHOOK_URL") as caught:
        WebhookAlerts(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value, chain=True)).replace(url, "")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "variable"),
    [
        (WebhookAlerts, "RLVITALS_WEBHOOK_URL"),
        (SlackAlerts, "RLVITALS_SLACK_URL"),
        (DiscordAlerts, "RLVITALS_DISCORD_URL"),
    ],
)
def test_the_url_can_come_from_the_environment(
    server: Any, finding: MakeFinding, monkeypatch: pytest.MonkeyPatch, kind: type[Any], variable: str
) -> None:
    """Scripts do not have to contain it. The error for a missing URL has the variable."""

    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ValueError, match=variable):
        kind()
    monkeypatch.setenv(variable, server.url)
    kind().write(finding())
    assert len(server.bodies) == 1


def test_a_training_continues_while_its_alerts_fail(
    server: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The failure is recorded as one event, and no record or log line includes the URL."""

    server.status = 403
    with TrainingMonitor(tmp_path, session_name="a", sinks=[WebhookAlerts(server.url)]) as monitor:
        monitor.log_event("finding", "Losses are not finite.", severity="critical", code="non-finite")
        for episode in range(50):
            monitor.log_episode(episode, 1.0, 10)
    said = [event.message for event in monitor.run.records("events") if "sink webhook" in event.message]
    assert len([message for message in said if "responded with 403" in message]) == 1
    assert not [message for message in said if "works again" in message]
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in files
    assert SECRET not in caplog.text
