"""Alerts to a channel of Discord, by a webhook."""

from typing import Any

from rlvitals.sinks.alerts.alert import Alert, fitted
from rlvitals.sinks.alerts.webhook_alerts import PostedAlerts
from rlvitals.text_escaping import escape_control

URL = "RLVITALS_DISCORD_URL"

LONGEST_TITLE = 256
LONGEST_DESCRIPTION = 2_000  # Discord takes 4,096, and 6,000 in all the texts of a message
LONGEST_NAME = 256
LONGEST_VALUE = 500  # Discord takes 1,024

_COLOURS = {"info": 0x3498DB, "warning": 0xE67E22, "critical": 0xE74C3C}
_CLOSED = 0x2ECC71
_MARKUP = frozenset("\\`*_~|<>[]()#@:-")


class DiscordAlerts(PostedAlerts):
    """Posts each alert to Discord: one embed, coloured by severity.

    Nobody is mentioned, whatever the texts of a run hold (`allowed_mentions`), and marks of Markdown are escaped.

    Args:
        url: The webhook; by default that in `RLVITALS_DISCORD_URL`. It is kept secret.
        timeout_s: Longest wait for the server.
        clock: Tells the time.
        **rules: Which events, and how many: see `Rules`.

    Raises:
        ValueError: There is no address, or it is none.
    """

    known_as = "discord"
    variable = URL

    def payload(self, alert: Alert) -> dict[str, Any]:
        """An alert as a message with one embed (discord.com/developers, "Execute Webhook", "Embed Limits")."""
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
    """Characters as Discord counts them."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
