"""Alerts sent to a custom webhook as JSON."""

from typing import Any, ClassVar

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.records.coercion import spelled
from rlvitals.sinks.alerts.alert import Alert
from rlvitals.sinks.alerts.alert_sink import AlertSink
from rlvitals.sinks.alerts.posting import TIMEOUT_S, Webhook, setting

URL = "RLVITALS_WEBHOOK_URL"


class PostedAlerts(AlertSink):
    """Base class of channels that post each alert to a webhook. Subclasses implement `payload`.

    Args:
        url: Webhook URL. Default: the environment variable named by `variable`. It is never shown or stored.
        timeout_s: Maximum wait for the server, in seconds.
        clock: Source of the time.
        **rules: Rules that select events and limit their number: see `Rules`.

    Raises:
        ValueError: The URL is missing or invalid.
    """

    variable: ClassVar[str]

    def __init__(
        self, url: str | None = None, *, timeout_s: float = TIMEOUT_S, clock: Clock = SYSTEM_CLOCK, **rules: Any
    ) -> None:
        super().__init__(clock=clock, **rules)
        wanted = f"pass url, or set {self.variable}"
        self._webhook = Webhook(setting(url, self.variable), wanted=wanted, timeout_s=timeout_s)

    def payload(self, alert: Alert) -> dict[str, Any]:
        """Return the alert in the format of the service.

        Args:
            alert: Alert to send.
        """
        raise NotImplementedError

    def deliver(self, alert: Alert) -> None:
        """Post an alert.

        Raises:
            DeliveryError: The server is unreachable, or rejected the alert.
        """
        self._webhook.post(self.payload(alert))


class WebhookAlerts(PostedAlerts):
    """Posts each alert as JSON with all fields of the event, and with the whole alert as plain text in `text`.

    Args:
        url: Webhook URL. Default: the environment variable `RLVITALS_WEBHOOK_URL`. It is never shown or stored.
        timeout_s: Maximum wait for the server, in seconds.
        clock: Source of the time.
        **rules: Rules that select events and limit their number: see `Rules`.

    Raises:
        ValueError: The URL is missing or invalid.
    """

    known_as = "webhook"
    variable = URL

    def payload(self, alert: Alert) -> dict[str, Any]:
        """Return the alert as a JSON object. Non-finite numbers become text, as in the run folder.

        Args:
            alert: Alert to send.
        """
        fields: dict[str, Any] = spelled({**alert._asdict(), "data": dict(alert.data), "held": dict(alert.held)})
        return {"title": alert.title, "text": alert.text(), **fields}
