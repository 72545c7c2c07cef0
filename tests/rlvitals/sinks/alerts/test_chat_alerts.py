"""Alerts in the formats of Discord and Slack."""

from collections.abc import Callable
from typing import Any

import pytest

from rlvitals.records import Event
from rlvitals.sinks import SinkContext
from rlvitals.sinks.alerts import DiscordAlerts, SlackAlerts

Chat = type[DiscordAlerts] | type[SlackAlerts]
MakeFinding = Callable[..., Event]
Posted = Callable[..., dict[str, Any]]

EMBED = {
    "embeds": [
        {
            "title": "warning\\: plateau in ppo 1",
            "description": "The policy moves too far in each update.",
            "color": 0xE67E22,
            "fields": [
                {"name": "step", "value": "20,480", "inline": False},
                {"name": "cause", "value": "The learning rate is too high.", "inline": False},
            ],
        }
    ],
    "allowed_mentions": {"parse": []},
}
BLOCKS = {
    "text": "warning: plateau in ppo 1: The policy moves too far in each update.",
    "blocks": [
        {"type": "header", "text": {"type": "plain_text", "text": "warning: plateau in ppo 1", "emoji": False}},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "The policy moves too far in each update.", "verbatim": True},
        },
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "step: 20,480\ncause: The learning rate is too high.", "verbatim": True},
        },
    ],
}


@pytest.fixture
def posted(server: Any, finding: MakeFinding) -> Posted:
    """Return a function that sends a finding and returns the body that the server received."""

    def post(chat: Chat, context: SinkContext | None = None, *event: str, **fields: Any) -> dict[str, Any]:
        sink = chat(server.url)
        if context is not None:
            sink.begin(context)
        sink.write(finding(*event, **fields))
        (body,) = server.bodies
        return dict(body)

    return post


@pytest.mark.parametrize(("chat", "expected"), [(DiscordAlerts, EMBED), (SlackAlerts, BLOCKS)])
def test_the_payload_of_an_alert(posted: Posted, context: SinkContext, chat: Chat, expected: dict[str, Any]) -> None:
    """Discord gets an embed with mentions turned off, and Slack a header, sections and a notification text."""

    body = posted(chat, context, "plateau", "warning", data={"source": None, "advice": None, "evidence": None})
    assert body == expected


def test_a_closed_finding_is_green(server: Any, finding: MakeFinding) -> None:
    """A critical finding is red when it opens, and green when it closes."""

    sink = DiscordAlerts(server.url)
    sink.write(finding())
    sink.write(finding(data={"state": "closed"}))
    assert [body["embeds"][0]["color"] for body in server.bodies] == [0xE74C3C, 0x2ECC71]


def test_hostile_text_causes_no_mention_on_discord(posted: Posted) -> None:
    """Mentions are turned off, and Markdown characters are escaped."""

    body = posted(DiscordAlerts, message="@everyone <@&1> **big** [link](http://x)")
    assert body["allowed_mentions"] == {"parse": []}
    assert "content" not in body
    assert body["embeds"][0]["description"] == ("\\@everyone \\<\\@&1\\> \\*\\*big\\*\\* \\[link\\]\\(http\\://x\\)")


def test_hostile_text_causes_no_mention_on_slack(posted: Posted) -> None:
    """`<!channel>` and links are escaped."""

    body = posted(SlackAlerts, message="<!channel> a & b", code="<@U1>")
    assert body["blocks"][0]["text"]["text"] == "critical: &lt;@U1&gt;"
    assert body["blocks"][1]["text"]["text"] == "&lt;!channel&gt; a &amp; b"
    assert body["text"] == "critical: &lt;@U1&gt;: &lt;!channel&gt; a &amp; b"


def test_long_texts_are_truncated_to_the_limits_of_discord(posted: Posted) -> None:
    """The limits of each text and of 6,000 in total are in UTF-16 code units, as counted by Discord."""

    long = "🙂" * 1_000
    details = dict.fromkeys(("cause", "evidence", "advice", "source"), [long] * 9)
    (embed,) = posted(DiscordAlerts, message=long * 2, code=long, data=details)["embeds"]
    size = {name: len(embed[name].encode("utf-16-le")) // 2 for name in ("title", "description")}
    values = [len(field["value"].encode("utf-16-le")) // 2 for field in embed["fields"]]
    assert size["title"] <= 256
    assert 1_900 < size["description"] <= 4_096
    assert max(values) <= 1_024
    assert len(embed["fields"]) <= 25
    assert sum(size.values()) + sum(values) + sum(len(field["name"]) for field in embed["fields"]) <= 6_000


def test_long_texts_are_truncated_to_the_limits_of_slack(posted: Posted) -> None:
    """A header has at most 150 characters and a section 3,000, after escaping."""

    body = posted(SlackAlerts, message="&" * 900, code="<" * 900, data={"evidence": ["x" * 1_000] * 9})
    header, message, details = (block["text"]["text"] for block in body["blocks"])
    assert len(header) <= 150
    assert header.endswith("&lt;…")
    assert (len(message) <= 3_000, message.endswith("&amp;…")) == (True, True)
    assert len(details) == 3_000
    assert len(body["text"]) <= 3_000


def test_no_section_is_empty(posted: Posted) -> None:
    """Slack rejects a message with an empty section."""

    assert posted(SlackAlerts, message="")["blocks"][1]["text"]["text"] == "-"
