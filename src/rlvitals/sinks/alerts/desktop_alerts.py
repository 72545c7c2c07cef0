"""Alerts as desktop notifications on this machine."""

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
"""AppleScript that takes the texts as arguments, so that no text becomes part of the program."""


class DesktopAlerts(AlertSink):
    """Shows each alert as a desktop notification, with `notify-send` or, on macOS, `osascript`.

    Args:
        program: Program to run instead. A program named `osascript` gets the arguments of `osascript`, and any other
            program those of `notify-send`.
        timeout_s: Maximum run time of the program, in seconds.
        clock: Source of the time.
        **rules: Rules that select events and limit their number: see `Rules`.
    """

    known_as = "desktop"

    def __init__(
        self, program: str | None = None, *, timeout_s: float = TIMEOUT_S, clock: Clock = SYSTEM_CLOCK, **rules: Any
    ) -> None:
        super().__init__(clock=clock, **rules)
        self._program = program or ("osascript" if sys.platform == "darwin" else "notify-send")
        self._timeout_s = timeout_s

    def begin(self, context: SinkContext) -> None:
        """Store information about the run, and check that the program is installed.

        Raises:
            DeliveryError: The program is missing.
        """
        super().begin(context)
        self._found()

    def deliver(self, alert: Alert) -> None:
        """Show a notification.

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
            raise DeliveryError(f"{self._program} did not end within {self._timeout_s:g} s", again=False) from None
        except OSError as error:
            raise DeliveryError(f"cannot start {self._program}: {error.strerror}", again=False) from None
        if done.returncode != 0:
            why = done.stderr.decode(errors="replace").strip()[:200]
            raise DeliveryError(f"{self._program} failed with exit code {done.returncode}: {why}", again=False)

    def command(self, alert: Alert) -> list[str]:
        """Return the program and its arguments. They are not passed to a shell.

        Args:
            alert: Alert to show.
        """
        title, text = alert.title[:_LONGEST], alert.text()
        if self._program.endswith("osascript"):
            script = [part for line in _SCRIPT for part in ("-e", line)]
            # After `--`, osascript does not treat a text that starts with a dash as an option.
            return [self._program, *script, "--", title, fitted(text, _LONGEST)]
        # The text can contain markup (Desktop Notifications Specification), and the title cannot.
        body = fitted(text, _LONGEST, lambda character: html.escape(character, quote=False))
        return [self._program, "--app-name=rlvitals", f"--urgency={_URGENCY[alert.severity]}", "--", title, body]

    def _found(self) -> str:
        found = shutil.which(self._program)
        if found is None:
            raise DeliveryError(
                f"the program {self._program!r}, which shows notifications, is not on the path. Install it"
                " (on Debian and Ubuntu, `notify-send` is in the package libnotify-bin).",
                again=False,
            )
        return found
