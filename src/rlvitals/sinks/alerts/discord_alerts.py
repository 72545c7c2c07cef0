"""Alerts sent to a Discord channel through a webhook."""

from typing import Any

from rlvitals.sinks.alerts.alert import Alert, fitted
from rlvitals.sinks.alerts.webhook_alerts import PostedAlerts
from rlvitals.text_escaping import escape_control

URL = "RLVITALS_DISCORD_URL"

LONGEST_TITLE = 256
LONGEST_DESCRIPTION = 2_000  # the limit of Discord is 4,096, and 6,000 for all texts of a message together
LONGEST_NAME = 256
LONGEST_VALUE = 500  # the limit of Discord is 1,024

_COLOURS = {"info": 0x3498DB, "warning": 0xE67E22, "critical": 0xE74C3C}
_CLOSED = 0x2ECC71
_MARKUP = frozenset("\\`*_~|<>[]()#@:-")


class DiscordAlerts(PostedAlerts):
    """Posts each alert to Discord as one embed, coloured by severity.

    The texts of a run cannot mention users (`allowed_mentions`), and Markdown characters are escaped.

    Args:
        url: Webhook URL. Default: the environment variable `RLVITALS_DISCORD_URL`. It is never shown or stored.
        timeout_s: Maximum wait for the server, in seconds.
        clock: Source of the time.
        **rules: Rules that select events and limit their number: see `Rules`.

    Raises:
        ValueError: The URL is missing or invalid.
    """

    known_as = "discord"
    variable = URL

    def payload(self, alert: Alert) -> dict[str, Any]:
        """Return a message with one embed (discord.com/developers, "Execute Webhook", "Embed Limits").

        Args:
            alert: Alert to send.
        """
        embed = {
            "title": _text(alert.title, LONGEST_TITLE),
            "description": _text(escape_control(alert.message), LONGEST_DESCRIPTION),
            "color": _CLOSED if alert.closed else _COLOURS[alert.severity],
            "fields": [
                {"name": _text(name, LONGEST_NAME), "value": _text(detail, LONGEST_VALUE), "inline": False}
                for name, detail in alert.details().items()
            ],
        }
        return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _text(text: str, most: int) -> str:
    return fitted(text, most, _escaped, _utf16)


def _escaped(character: str) -> str:
    return f"\\{character}" if character in _MARKUP else character


def _utf16(text: str) -> int:
    """Return the number of UTF-16 code units, as counted by Discord."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
