"""Alerts passed to a user-defined function."""

from collections.abc import Callable
from typing import Any

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.sinks.alerts.alert import Alert
from rlvitals.sinks.alerts.alert_sink import AlertSink


class CallableAlerts(AlertSink):
    """Calls a function with each alert, in a thread other than the training thread.

    Args:
        function: Function that takes an `Alert`. If it raises a `DeliveryError`, the alert is retried, unless
            `again` is false. After any other error, it is dropped.
        clock: Source of the time.
        **rules: Rules that select events and limit their number: see `Rules`.
    """

    def __init__(self, function: Callable[[Alert], object], *, clock: Clock = SYSTEM_CLOCK, **rules: Any) -> None:
        super().__init__(clock=clock, **rules)
        self._function = function

    @property
    def name(self) -> str:
        """Name of the function."""
        return getattr(self._function, "__name__", type(self._function).__name__)

    def deliver(self, alert: Alert) -> None:
        """Call the function with an alert."""
        self._function(alert)
