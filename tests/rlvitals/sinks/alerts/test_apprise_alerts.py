"""Alerts sent by Apprise, as JSON to a local server."""

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apprise
import pytest

from rlvitals import TrainingMonitor
from rlvitals.records import Event, Record
from rlvitals.sinks import Sink, SinkContext
from rlvitals.sinks.alerts import AppriseAlerts, DeliveryError
from rlvitals.testing.manual_clock import ManualClock
from rlvitals.testing.sinks import SinkContract

MakeFinding = Callable[..., Event]
SECRET = "T0KEN-abc123"  # noqa: S105 - not a real secret
CLOSED_PORT = f"json://127.0.0.1:1/services/{SECRET}"
UNKNOWN = "did not accept the alert, or cannot be reached: test it with the command `apprise`"

# Apprise imports a module of Python that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


def address(server: Any) -> str:
    return str(server.url).replace("http://", "json://")


class TestContract(SinkContract):
    kinds = frozenset()  # alerts cannot be read back as records

    @pytest.fixture(autouse=True)
    def _served(self, server: Any) -> None:
        self.server = server

    def make_sink(self) -> Sink:
        return AppriseAlerts(address(self.server))

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


class Defective(apprise.NotifyBase):  # type: ignore[no-untyped-call]
    """Service whose error includes its address."""

    service_name = "Defective"  # type: ignore[assignment]

    def send(self, *_: Any, **__: Any) -> bool:
        raise RuntimeError(SECRET)


def refusal(sink: Sink, record: Record) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        sink.write(record)
    return caught.value


@pytest.mark.parametrize(
    ("severity", "state", "shown"),
    [
        ("info", "opened", "info"),
        ("warning", "opened", "warning"),
        ("critical", "opened", "failure"),
        ("critical", "closed", "success"),
    ],
)
def test_an_alert_has_a_title_a_text_and_a_type(
    server: Any, context: SinkContext, severity: str, state: str, shown: str
) -> None:
    """The type is the severity in the words of Apprise, which services show as a colour or a picture."""

    sink = AppriseAlerts(address(server), severity="info")
    sink.begin(context)
    sink.write(
        Event(time=1.0, kind="note", message="The KL is <b>large</b>.", severity=severity, data={"state": state})
    )
    (body,) = server.bodies
    title = "resolved: note" if state == "closed" else f"{severity}: note"
    assert (body["title"], body["message"], body["type"]) == (f"{title} in ppo 1", "The KL is <b>large</b>.", shown)
    assert server.headers[0]["User-Agent"] == "rlvitals"


def test_texts_are_escaped_for_a_service_with_markup(server: Any) -> None:
    """The alert is plain text, which Apprise converts."""

    sink = AppriseAlerts(f"{address(server)}?format=html")
    sink.write(Event(time=1.0, kind="note", message="<b>:smile:", severity="critical"))
    assert server.bodies[0]["message"] == "&lt;b&gt;:smile:"


def test_a_text_is_shortened_to_the_limit_of_the_service(server: Any) -> None:
    """It is not rejected, and not split into several messages."""

    AppriseAlerts(address(server)).write(Event(time=1.0, kind="note", message="é" * 40_000, severity="critical"))
    assert [len(body["message"]) for body in server.bodies] == [32_768]


def test_only_services_that_did_not_accept_an_alert_get_it_again(server: Any, finding: MakeFinding) -> None:
    """The error has the place of each of them in the list of addresses."""

    clock = ManualClock()
    sink = AppriseAlerts([address(server), CLOSED_PORT], clock=clock)
    assert str(refusal(sink, finding())) == f"address 2 (JSON) {UNKNOWN}"
    clock.advance(60.0)
    assert refusal(sink, Event(time=1.0, kind="note", message="nothing")).again
    assert len(server.bodies) == 1


def test_a_failing_address_does_not_delay_the_others(server: Any, finding: MakeFinding) -> None:
    """The other address gets each of five alerts at once. The failure is reported once, until the next retry."""

    sink = AppriseAlerts([CLOSED_PORT, address(server)], clock=ManualClock())
    assert refusal(sink, finding()).again
    for at in range(4):
        sink.write(finding(f"code-{at}"))
    assert (len(server.bodies), sink.works) == (5, False)
    with pytest.raises(DeliveryError, match=r"^5 alerts could not be delivered: address 1 \(JSON\) did not accept"):
        sink.close()


def test_an_alert_is_retried_after_a_server_error(server: Any, finding: MakeFinding) -> None:
    """After a status of 500 or above, the alert is sent again later."""

    clock = ManualClock()
    sink = AppriseAlerts(address(server), clock=clock)
    server.status = 503
    assert str(refusal(sink, finding())) == "address 1 (JSON) responded with 503"
    server.status = 204
    clock.advance(60.0)
    sink.write(Event(time=1.0, kind="note", message="nothing"))
    assert len(server.bodies) == 2


@pytest.mark.parametrize("status", [302, 404])
def test_a_rejected_alert_is_not_sent_again(server: Any, finding: MakeFinding, status: int) -> None:
    """A redirect is not followed, because alerts are sent only to the addresses chosen by the user."""

    server.status = status
    server.answer_headers = {"Location": server.url + "/elsewhere"}
    error = refusal(AppriseAlerts(address(server)), finding())
    assert (error.again, str(error), len(server.bodies)) == (False, f"address 1 (JSON) responded with {status}", 1)


def test_a_request_without_a_response_times_out(server: Any, finding: MakeFinding) -> None:
    """The address can have a timeout in seconds. The alert is retried."""

    server.silent.set()
    error = refusal(AppriseAlerts(f"{address(server)}?rto=0.05"), finding())
    assert (error.again, str(error)) == (True, f"address 1 (JSON) {UNKNOWN}")


def test_the_error_of_a_defective_service_has_its_type(finding: MakeFinding) -> None:
    """The message of the service can include the address."""

    service: Any = Defective()  # type: ignore[no-untyped-call]
    error = refusal(AppriseAlerts([service]), finding())
    assert str(error) == "address 1 (Defective) failed with RuntimeError"
    assert SECRET not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("status", [None, 200, 404, 500])
def test_the_address_is_a_secret(
    server: Any, finding: MakeFinding, caplog: pytest.LogCaptureFixture, status: int | None
) -> None:
    """It is in no message, traceback, `repr` or log, even at the level DEBUG."""

    caplog.set_level(logging.DEBUG)
    server.status = status
    sink = AppriseAlerts(CLOSED_PORT if status is None else address(server))
    shown = [repr(sink), str(vars(sink))]
    if status == 200:
        sink.write(finding())
    else:
        shown += traceback.format_exception(refusal(sink, finding()))
    assert SECRET not in "".join(shown)
    assert SECRET not in caplog.text


def test_other_log_records_of_apprise_are_kept(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A program can use Apprise itself."""

    AppriseAlerts(address(server))
    logging.getLogger("apprise").warning("of the program")
    assert "of the program" in caplog.text


@pytest.mark.parametrize(
    "urls",
    [
        SECRET,
        f"nowhere://{SECRET}",
        f"slack://{SECRET}",
        f"json://127.0.0.1/x, nowhere://{SECRET}",
        ["json://127.0.0.1/x", SECRET],
    ],
)
def test_an_invalid_address_is_rejected_without_being_shown(
    caplog: pytest.LogCaptureFixture, urls: str | list[str]
) -> None:
    """It is rejected when the channel is created, and the error has the remedy."""

    caplog.set_level(logging.DEBUG)
    with pytest.raises(ValueError, match="pass urls, or set RLVITALS_APPRISE_URLS") as caught:
        AppriseAlerts(urls)
    assert SECRET not in str(caught.value)
    assert SECRET not in caplog.text


def test_the_addresses_can_come_from_the_environment(
    server: Any, finding: MakeFinding, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are separated by commas or spaces. The error for missing ones has the variable."""

    monkeypatch.delenv("RLVITALS_APPRISE_URLS", raising=False)
    with pytest.raises(ValueError, match="are missing: pass urls, or set RLVITALS_APPRISE_URLS"):
        AppriseAlerts()
    monkeypatch.setenv("RLVITALS_APPRISE_URLS", f"{address(server)}, {address(server)}/second")
    AppriseAlerts().write(finding())
    assert len(server.bodies) == 2


def test_a_training_continues_while_its_alerts_fail(
    server: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sinks=["apprise"]` is sufficient. No record or log line includes the address."""

    server.status = 403
    monkeypatch.setenv("RLVITALS_APPRISE_URLS", address(server))
    with TrainingMonitor(tmp_path, session_name="a", sinks=["apprise"]) as monitor:
        monitor.log_event("finding", "Losses are not finite.", severity="critical", code="non-finite")
    messages = [event.message for event in monitor.run.records("events") if "sink apprise" in event.message]
    assert len([message for message in messages if "responded with 403" in message]) == 1
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in files
    assert SECRET not in caplog.text
