"""Alerts sent to a Slack channel through an incoming webhook."""

from typing import Any

from rlvitals.sinks.alerts.alert import Alert, fitted
from rlvitals.sinks.alerts.webhook_alerts import PostedAlerts
from rlvitals.text_escaping import escape_control

URL = "RLVITALS_SLACK_URL"

LONGEST_HEADER = 150
LONGEST_SECTION = 3_000

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class SlackAlerts(PostedAlerts):
    """Posts each alert to Slack as a header, the message and the details.

    `&`, `<` and `>` are escaped as required by Slack, so that the texts of a run cannot mention a channel or create a
    link.

    Args:
        url: URL of the incoming webhook. Default: the environment variable `RLVITALS_SLACK_URL`. It is never shown or
            stored.
        timeout_s: Maximum wait for the server, in seconds.
        clock: Source of the time.
        **rules: Rules that select events and limit their number: see `Rules`.

    Raises:
        ValueError: The URL is missing or invalid.
    """

    known_as = "slack"
    variable = URL

    def payload(self, alert: Alert) -> dict[str, Any]:
        """Return a Block Kit message, with a `text` for notifications (docs.slack.dev, "Formatting message text").

        Args:
            alert: Alert to send.
        """
        details = [f"{name}: {detail}" for name, detail in alert.details().items()]
        header = {"type": "plain_text", "text": _text(alert.title, LONGEST_HEADER), "emoji": False}
        blocks: list[dict[str, Any]] = [{"type": "header", "text": header}, _section(escape_control(alert.message))]
        if details:
            blocks.append(_section("\n".join(details)))
        return {"text": _text(f"{alert.title}: {escape_control(alert.message)}", LONGEST_SECTION), "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    # Slack rejects an empty string. With `verbatim`, names of channels and users do not become mentions.
    said = _text(text, LONGEST_SECTION) or "-"
    return {"type": "section", "text": {"type": "mrkdwn", "text": said, "verbatim": True}}


def _text(text: str, most: int) -> str:
    return fitted(text, most, lambda character: _ESCAPES.get(character, character))
