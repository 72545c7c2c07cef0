"""Alerts on the terminal: a bell, and a permanent line."""

import sys
from typing import Any, TextIO

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.sinks.alerts.alert import Alert
from rlvitals.sinks.alerts.alert_sink import AlertSink
from rlvitals.text_escaping import escape_control

_BELL = "\a"
_CLEAR = "\r\x1b[K"
_STYLES = {"info": "\x1b[1;36m", "warning": "\x1b[1;33m", "critical": "\x1b[1;31m"}
_PLAIN = "\x1b[0m"


class TerminalAlerts(AlertSink):
    """Prints a line for each alert, on a terminal in colour and with a bell.

    Args:
        stream: Output stream. Default: standard error, so that standard output is left to the program.
        bell: Whether to ring the terminal bell.
        clock: Source of the time.
        **rules: Rules that select events and limit their number: see `Rules`.
    """

    known_as = "bell"

    def __init__(
        self, stream: TextIO | None = None, *, bell: bool = True, clock: Clock = SYSTEM_CLOCK, **rules: Any
    ) -> None:
        super().__init__(clock=clock, **rules)
        self._stream = stream if stream is not None else sys.stderr
        self._bell = bell

    def deliver(self, alert: Alert) -> None:
        """Print a line, above the live line if there is one."""
        said = alert.details()
        where = f" (step {said['step']})" if "step" in said else ""
        held = f"; {said['held back']}" if "held back" in said else ""
        title, message = alert.title, f"{escape_control(alert.message)}{where}{held}"
        if self._stream.isatty():
            bell = _BELL if self._bell else ""
            line = f"{_CLEAR}{bell}{_STYLES[alert.severity]}{title}{_PLAIN}: {message}\n"
        else:
            line = f"{title}: {message}\n"
        self._stream.write(line)
        self._stream.flush()
