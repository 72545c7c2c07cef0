"""Alerts handed to a function of the user's own."""

from collections.abc import Callable
from typing import Any

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.sinks.alerts.alert import Alert
from rlvitals.sinks.alerts.alert_sink import AlertSink


class CallableAlerts(AlertSink):
    """Calls a function with each alert, in a thread that is not the training's.

    Args:
        function: Takes an `Alert`. If it raises, that alert is not tried again, unless it raises a `DeliveryError`.
        clock: Tells the time.
        **rules: Which events, and how many: see `Rules`.
    """

    def __init__(self, function: Callable[[Alert], object], *, clock: Clock = SYSTEM_CLOCK, **rules: Any) -> None:
        super().__init__(clock=clock, **rules)
        self._function = function

    @property
    def name(self) -> str:
        """The function's name."""
        return getattr(self._function, "__name__", type(self._function).__name__)

    def deliver(self, alert: Alert) -> None:
        """Call the function."""
        self._function(alert)
