"""Alerts to a channel of Slack, by an incoming webhook."""

from typing import Any

from rlvitals.sinks.alerts.alert import Alert, fitted
from rlvitals.sinks.alerts.webhook_alerts import PostedAlerts
from rlvitals.text_escaping import escape_control

URL = "RLVITALS_SLACK_URL"

LONGEST_HEADER = 150
LONGEST_SECTION = 3_000

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class SlackAlerts(PostedAlerts):
    """Posts each alert to Slack: a header, the message, and the details below it.

    `&`, `<` and `>` are escaped, as Slack asks for, so that no text of a run mentions a channel or makes a link.

    Args:
        url: The incoming webhook; by default that in `RLVITALS_SLACK_URL`. It is kept secret.
        timeout_s: Longest wait for the server.
        clock: Tells the time.
        **rules: Which events, and how many: see `Rules`.

    Raises:
        ValueError: There is no address, or it is none.
    """

    known_as = "slack"
    variable = URL

    def payload(self, alert: Alert) -> dict[str, Any]:
        """An alert in Block Kit, with a `text` for notifications (docs.slack.dev, "Formatting message text")."""
        details = [f"{name}: {detail}" for name, detail in alert.details().items()]
        header = {"type": "plain_text", "text": _text(alert.title, LONGEST_HEADER), "emoji": False}
        blocks: list[dict[str, Any]] = [{"type": "header", "text": header}, _section(escape_control(alert.message))]
        if details:
            blocks.append(_section("\n".join(details)))
        return {"text": _text(f"{alert.title}: {escape_control(alert.message)}", LONGEST_SECTION), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    # Slack refuses an empty text. `verbatim`: names of channels and people in it are no mentions.
    said = _text(text, LONGEST_SECTION) or "-"
    return {"type": "section", "text": {"type": "mrkdwn", "text": said, "verbatim": True}}


def _text(text: str, most: int) -> str:
    return fitted(text, most, lambda character: _ESCAPES.get(character, character))
