"""Base class of alert channels: selects, rate-limits, queues and retries alerts. A channel only delivers them."""

import contextlib
from abc import abstractmethod
from collections import deque
from typing import Any, ClassVar

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ClosedError, SinkError
from rlvitals.formatting import counted
from rlvitals.records import Event, Record
from rlvitals.sinks.alerts.alert import Alert, alert_of
from rlvitals.sinks.alerts.alert_gate import Gate, Rules
from rlvitals.sinks.sink_context import RunSink, SinkContext

RETRY_S = 60.0
_MOST_PENDING = 100
_SUMMARY = "alerts"


class DeliveryError(SinkError):
    """Raised when an alert could not be delivered.

    Args:
        message: Reason. It must not include an address or a password.
        again: Whether to retry the alert later. A rejected alert is not retried.
        retry_s: Seconds until the retry, if the service requested a time; otherwise `None`.
    """

    def __init__(self, message: str, *, again: bool = True, retry_s: float | None = None) -> None:
        super().__init__(message)
        self.again = again
        self.retry_s = retry_s


class AlertSink(RunSink):
    """Base class of alert channels. Subclasses implement `deliver`.

    An alert channel works in the thread of its sink, and can wait there. Alerts that cannot be delivered are queued
    (the last 100). They are retried with the first record after a minute, and once more on `close`.

    Args:
        clock: Source of the time.
        **rules: Rules that select events and limit their number: see `Rules`.

    Raises:
        ValueError: The value of a rule is invalid.
        TypeError: A rule is unknown.

    Attributes:
        known_as: Name of the channel. Default: the class name.
    """

    known_as: ClassVar[str] = ""

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK, **rules: Any) -> None:
        self._gate = Gate(Rules(**rules))
        self._clock = clock
        self._pending: deque[tuple[Event, Alert]] = deque()
        self._failing = False
        self._retry_at = 0.0
        self._run = self._project = ""
        self._last: Event | None = None
        self._closed = False

    @abstractmethod
    def deliver(self, alert: Alert) -> None:
        """Deliver an alert.

        Args:
            alert: Alert to deliver.

        Raises:
            DeliveryError: The alert could not be delivered.
        """

    def begin(self, context: SinkContext) -> None:
        """Store the run name, which each alert includes."""
        self._run, self._project = context.run_id, context.project

    @property
    def name(self) -> str:
        """Name of the channel."""
        return self.known_as or super().name

    @property
    def works(self) -> bool:
        """Whether the last delivery succeeded."""
        return not self._failing

    def write(self, record: Record) -> None:
        """Send an alert if the record is a matching event. Queued alerts that are due are sent too.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed.
            DeliveryError: An alert could not be delivered.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        if isinstance(record, Event):
            self._last = record
            if self._gate.passes(record, self._clock.monotonic()):
                alert = alert_of(record, self._run, self._project)
                self._keep(record, alert._replace(held=self._gate.held()))
        self._deliver_due()
        self._sum_up()
        self._deliver_due()

    def close(self) -> None:
        """Send the queued alerts, and a summary of the alerts held back.

        Raises:
            DeliveryError: Some alerts could not be delivered. They are not retried.
        """
        if self._closed:
            return
        self._closed = True
        severity = self._gate.held_severity
        if severity is not None:
            self._summarise(severity)
        if self._pending:
            count = len(self._pending)
            try:
                self._deliver_pending()
            except DeliveryError as error:
                left = len(self._pending) or count
                raise DeliveryError(f"{counted(left, 'alert')} could not be delivered: {error}", again=False) from None

    def _deliver_due(self) -> None:
        if self._pending and self._clock.monotonic() >= self._retry_at:
            self._deliver_pending()

    def _sum_up(self) -> None:
        """Queue a summary of the alerts held back, if the period has ended and no alert is queued."""
        if self._gate.held_severity is not None and not self._pending:
            severity = self._gate.summary_due(self._clock.monotonic())
            if severity is not None:
                self._summarise(severity)

    def _summarise(self, severity: str) -> None:
        held = self._gate.held()
        env_step = None if self._last is None else self._last.env_step
        message = "Alerts were held back"
        event = Event(time=self._clock.time(), kind=_SUMMARY, message=message, severity=severity, env_step=env_step)
        self._keep(event, alert_of(event, self._run, self._project)._replace(held=held))

    def _keep(self, event: Event, alert: Alert) -> None:
        self._pending.append((event, alert))
        while len(self._pending) > _MOST_PENDING:
            lost, alert = self._pending.popleft()
            if lost.kind != _SUMMARY:
                self._gate.holds(lost)
            for code, count in alert.held.items():
                self._gate.holds(Event(time=lost.time, kind=lost.kind, message="", code=code), count)

    def _deliver_pending(self) -> None:
        while self._pending:
            try:
                self.deliver(self._pending[0][1])
            except DeliveryError as error:
                self._failing = True
                if error.again:
                    self._retry_at = self._clock.monotonic() + (RETRY_S if error.retry_s is None else error.retry_s)
                else:
                    self._pending.popleft()
                raise
            except BaseException:
                self._failing = True
                with contextlib.suppress(IndexError):
                    self._pending.popleft()  # a defect of the channel: a retry would fail forever
                raise
            self._pending.popleft()
            self._failing = False
