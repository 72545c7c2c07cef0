"""Alerts in Slack's form."""

from collections.abc import Callable
from typing import Any

import pytest

from rlvitals.records import Event, Record
from rlvitals.sinks import Sink, SinkContext
from rlvitals.sinks.alerts import SlackAlerts
from rlvitals.testing.sinks import SinkContract

MakeFinding = Callable[..., Event]


class TestContract(SinkContract):
    kinds = frozenset()  # an alert is no record

    @pytest.fixture(autouse=True)
    def _served(self, server: Any) -> None:
        self.server = server

    def make_sink(self) -> Sink:
        return SlackAlerts(self.server.url)

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def sent(server: Any, event: Event, context: SinkContext | None = None) -> dict[str, Any]:
    sink = SlackAlerts(server.url)
    if context is not None:
        sink.begin(context)
    sink.write(event)
    (body,) = server.bodies
    return dict(body)


def test_an_alert_in_blocks(server: Any, context: SinkContext, finding: MakeFinding) -> None:
    """A header, the message, the details; and a text for the notification."""

    body = sent(server, finding(data={"source": None, "advice": None, "evidence": None}), context)
    assert body == {
        "text": "critical: kl-too-large in ppo 1: The policy moves too far in each update.",
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": "critical: kl-too-large in ppo 1", "emoji": False},
            },
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": "The policy moves too far in each update.", "verbatim": True},
            },
            {
                "type": "section",
                "text": {
                    "type": "mrkdwn",
                    "text": "step: 20,480\ncause: The learning rate is too high.",
                    "verbatim": True,
                },
            },
        ],
    }


def test_hostile_text_mentions_nobody(server: Any, finding: MakeFinding) -> None:
    """`<!channel>` and links are shown as they were written."""

    body = sent(server, finding(message="<!channel> a & b", code="<@U1>"))
    assert body["blocks"][0]["text"]["text"] == "critical: &lt;@U1&gt;"
    assert body["blocks"][1]["text"]["text"] == "&lt;!channel&gt; a &amp; b"
    assert body["text"] == "critical: &lt;@U1&gt;: &lt;!channel&gt; a &amp; b"


def test_long_texts_are_cut_to_what_slack_takes(server: Any, finding: MakeFinding) -> None:
    """150 characters in a header, 3,000 in a section, after escaping; and none is empty."""

    body = sent(server, finding(message="&" * 900, code="<" * 900, data={"evidence": ["x" * 1_000] * 9}))
    header, message, details = (block["text"]["text"] for block in body["blocks"])
    assert len(header) <= 150
    assert header.endswith("&lt;…")
    assert (len(message) <= 3_000, message.endswith("&amp;…")) == (True, True)
    assert len(details) == 3_000
    assert len(body["text"]) <= 3_000


def test_no_section_is_empty(server: Any, finding: MakeFinding) -> None:
    """Slack would refuse the whole message."""

    assert sent(server, finding(message=""))["blocks"][1]["text"]["text"] == "-"
