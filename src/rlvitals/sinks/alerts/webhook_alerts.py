"""Alerts by a webhook of one's own: plain JSON."""

from typing import Any, ClassVar

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.records.coercion import spelled
from rlvitals.sinks.alerts.alert import Alert
from rlvitals.sinks.alerts.alert_sink import AlertSink
from rlvitals.sinks.alerts.posting import TIMEOUT_S, Webhook, setting

URL = "RLVITALS_WEBHOOK_URL"


class PostedAlerts(AlertSink):
    """Posts each alert to a webhook; what inherits it says in which form.

    Args:
        url: The address; by default that in the environment variable `variable`. It is kept secret.
        timeout_s: Longest wait for the server.
        clock: Tells the time.
        **rules: Which events, and how many: see `Rules`.

    Raises:
        ValueError: There is no address, or it is none.
    """

    variable: ClassVar[str]

    def __init__(
        self, url: str | None = None, *, timeout_s: float = TIMEOUT_S, clock: Clock = SYSTEM_CLOCK, **rules: Any
    ) -> None:
        super().__init__(clock=clock, **rules)
        wanted = f"give url, or set {self.variable}"
        self._webhook = Webhook(setting(url, self.variable), wanted=wanted, timeout_s=timeout_s)

    def payload(self, alert: Alert) -> dict[str, Any]:
        """An alert in the form that the service takes."""
        raise NotImplementedError

    def deliver(self, alert: Alert) -> None:
        """Post it.

        Raises:
            DeliveryError: The server cannot be reached, or did not take it.
        """
        self._webhook.post(self.payload(alert))


class WebhookAlerts(PostedAlerts):
    """Posts each alert as JSON: all that the event says, and `text`, the whole in words.

    Args:
        url: The address; by default that in `RLVITALS_WEBHOOK_URL`. It is kept secret.
        timeout_s: Longest wait for the server.
        clock: Tells the time.
        **rules: Which events, and how many: see `Rules`.

    Raises:
        ValueError: There is no address, or it is none.
    """

    known_as = "webhook"
    variable = URL

    def payload(self, alert: Alert) -> dict[str, Any]:
        """An alert as a JSON object; numbers that are not finite are spelled as texts, as in the run folder."""
        fields: dict[str, Any] = spelled({**alert._asdict(), "data": dict(alert.data), "held": dict(alert.held)})
        return {"title": alert.title, "text": alert.text(), **fields}
