"""Alerts sent by Apprise, which knows the addresses of more than a hundred notification services."""

import contextlib
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.sinks.alerts.alert import Alert
from rlvitals.sinks.alerts.alert_sink import AlertSink, DeliveryError
from rlvitals.sinks.alerts.posting import is_temporary, setting
from rlvitals.sinks.fan_out import FanOut
from rlvitals.sinks.lazy_destination import load, require
from rlvitals.sinks.sink import Sink
from rlvitals.sinks.sink_context import RunSink, SinkContext

URLS = "RLVITALS_APPRISE_URLS"

_TYPES = {"info": "info", "warning": "warning", "critical": "failure"}
_CLOSED = "success"
_WANTED = f"pass urls, or set {URLS}"
_LOGGERS = ("apprise", "urllib3.connectionpool")
_STATUS = re.compile(r"\berror=(\d{3})\b")


class _AddressAlerts(AlertSink):
    """Sends alerts to one address.

    Args:
        place: Name of the address in messages.
        service: Service of Apprise.
        clock: Source of the time.
        **rules: Rules that select events and limit their number: see `Rules`.
    """

    known_as = "apprise"

    def __init__(self, place: str, service: Any, *, clock: Clock, **rules: Any) -> None:
        super().__init__(clock=clock, **rules)
        self._place, self._service = place, service

    def deliver(self, alert: Alert) -> None:
        """Send an alert.

        Raises:
            DeliveryError: The service is unreachable, or rejected the alert. The message excludes the address, and what
                Apprise reports, which can include it.
        """
        refusal = _refusal(self._service, alert)
        if refusal is not None:
            raise DeliveryError(f"{self._place} {refusal}", again=refusal.again)


class AppriseAlerts(FanOut, RunSink):
    """Sends each alert to one or more services by their Apprise addresses, such as `ntfy://topic` or `tgram://...`.

    The addresses are independent: each has its own queue and limits, as if it were a separate sink. An alert that an
    address does not accept is sent again to this address only. Texts are shortened to the length that a service
    accepts. Redirects are not followed.

    Args:
        urls: Addresses, as a list or as text separated by commas or spaces. Default: the environment variable
            `RLVITALS_APPRISE_URLS`. They are never shown or stored.
        clock: Source of the time.
        **rules: Rules that select events and limit their number: see `Rules`.

    Raises:
        MissingExtraError: Apprise is not installed.
        ValueError: An address is missing or invalid. The message does not repeat it.
    """

    def __init__(self, urls: str | Iterable[str] | None = None, *, clock: Clock = SYSTEM_CLOCK, **rules: Any) -> None:
        require("apprise", feature="Apprise", extra="apprise")
        services = _services(urls if urls is not None else setting(None, URLS))
        self._addresses = [_AddressAlerts(name, service, clock=clock, **rules) for name, service in services.items()]
        super().__init__(self._addresses)

    def begin(self, context: SinkContext) -> None:
        """Store the run name, which each alert includes."""
        for address in self._addresses:
            address.begin(context)

    @property
    def name(self) -> str:
        """Name of the channel."""
        return _AddressAlerts.known_as

    @property
    def works(self) -> bool:
        """Whether the last delivery to every address succeeded."""
        return all(address.works for address in self.sinks)

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def _visit(self, call: Callable[[Sink], None], verb: str) -> None:
        """Call every address. The errors of several addresses become one."""
        try:
            super()._visit(call, verb)
        except ExceptionGroup as failed:
            errors = failed.exceptions
            if not all(isinstance(error, DeliveryError) for error in errors):
                raise
            again = any(getattr(error, "again", False) for error in errors)
            refusal = DeliveryError("; ".join(map(str, errors)), again=again)
        else:
            return
        raise refusal


def _services(urls: str | Iterable[str]) -> dict[str, Any]:
    """Return the services by their names in messages."""
    listed = urls if isinstance(urls, str) else list(urls)
    if not listed:
        raise ValueError(f"the addresses for Apprise are missing: {_WANTED}")
    with _overheard():
        apprise = load("apprise")
        client = apprise.Apprise(asset=apprise.AppriseAsset(app_id="rlvitals", http_redirects=False))
        is_valid = client.add(listed)
        services = list(client)
    if not is_valid or not services:
        raise ValueError(
            f"an address for Apprise is invalid (valid ones: {len(services)}); must be as in https://appriseit.com: "
            f"{_WANTED}"
        )
    return {f"address {place} ({service.service_name})": service for place, service in enumerate(services, 1)}


def _refusal(service: Any, alert: Alert) -> DeliveryError | None:
    """Send an alert to a service. Return the reason if it was not accepted."""
    kind = _CLOSED if alert.closed else _TYPES[alert.severity]
    reason = "did not accept the alert, or cannot be reached: test it with the command `apprise`"
    with _overheard() as statuses:
        try:
            if service.notify(alert.text(), alert.title, kind, overflow="truncate", body_format="text"):
                return None
        except Exception as error:  # noqa: BLE001 - of any service; its message can include the address
            reason = f"failed with {type(error).__name__}"
    if statuses:
        reason = f"responded with {statuses[-1]}"
    return DeliveryError(reason, again=not statuses or is_temporary(statuses[-1]))


_heard = threading.local()


@contextlib.contextmanager
def _overheard() -> Iterator[list[int]]:
    """Keep log records of Apprise out of the logs, because they can include an address. Yield their HTTP statuses.

    Apprise reports the reason of a failure only in its log. Records of other threads are not affected.
    """
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_is_shown)  # nothing happens if it is there already
    _heard.statuses = []
    try:
        yield _heard.statuses
    finally:
        del _heard.statuses


def _is_shown(record: logging.LogRecord) -> bool:
    statuses: list[int] | None = getattr(_heard, "statuses", None)
    if statuses is None:
        return True
    if record.levelno >= logging.WARNING:  # lower levels have texts of the server
        statuses += map(int, _STATUS.findall(record.getMessage()))
    return False
