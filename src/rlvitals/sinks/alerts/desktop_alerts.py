"""Alerts as notifications on this machine's desktop."""

import html
import shutil
import subprocess
import sys
from typing import Any

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.sinks.alerts.alert import Alert, fitted
from rlvitals.sinks.alerts.alert_sink import AlertSink, DeliveryError
from rlvitals.sinks.sink_context import SinkContext

TIMEOUT_S = 10.0
_LONGEST = 500
_URGENCY = {"info": "low", "warning": "normal", "critical": "critical"}
_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)
"""AppleScript that takes the texts as arguments: none of them is ever part of a program."""


class DesktopAlerts(AlertSink):
    """Shows each alert on the desktop: by `notify-send`, or on a Mac by `osascript`.

    Args:
        program: The program, where it is not the usual one on the path; one that is named `osascript` is called as that
            is, any other as `notify-send`.
        timeout_s: Longest wait for it.
        clock: Tells the time.
        **rules: Which events, and how many: see `Rules`.
    """

    known_as = "desktop"

    def __init__(
        self, program: str | None = None, *, timeout_s: float = TIMEOUT_S, clock: Clock = SYSTEM_CLOCK, **rules: Any
    ) -> None:
        super().__init__(clock=clock, **rules)
        self._program = program or ("osascript" if sys.platform == "darwin" else "notify-send")
        self._timeout_s = timeout_s

    def begin(self, context: SinkContext) -> None:
        """Take note of the run, and see that the program is there.

        Raises:
            DeliveryError: It is not.
        """
        super().begin(context)
        self._found()

    def deliver(self, alert: Alert) -> None:
        """Show it.

        Raises:
            DeliveryError: The program is missing, or failed.
        """
        command = self.command(alert)
        command[0] = self._found()
        try:
            done = subprocess.run(
                command, check=False, timeout=self._timeout_s, stdin=subprocess.DEVNULL, capture_output=True
            )
        except subprocess.TimeoutExpired:
            raise DeliveryError(f"{self._program} did not end in {self._timeout_s:g} s", again=False) from None
        except OSError as error:
            raise DeliveryError(f"{self._program} cannot be started: {error.strerror}", again=False) from None
        if done.returncode != 0:
            why = done.stderr.decode(errors="replace").strip()[:200]
            raise DeliveryError(f"{self._program} ended with {done.returncode}: {why}", again=False)

    def command(self, alert: Alert) -> list[str]:
        """The program and its arguments; no shell sees them."""
        title, text = alert.title[:_LONGEST], alert.text()
        if self._program.endswith("osascript"):
            script = [part for line in _SCRIPT for part in ("-e", line)]
            # osascript takes what begins with a dash for an option of its own.
            return [self._program, *script, "--", title, fitted(text, _LONGEST)]
        # The text may hold markup (Desktop Notifications Specification), the title may not.
        body = fitted(text, _LONGEST, lambda character: html.escape(character, quote=False))
        return [self._program, "--app-name=rlvitals", f"--urgency={_URGENCY[alert.severity]}", "--", title, body]

    def _found(self) -> str:
        found = shutil.which(self._program)
        if found is None:
            raise DeliveryError(
                f"there is no program {self._program!r} on the path, which shows notifications"
                " (on Debian and Ubuntu it is in the package libnotify-bin)",
                again=False,
            )
        return found
