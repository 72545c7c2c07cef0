"""Alerts in Discord's form."""

from collections.abc import Callable
from typing import Any

import pytest

from rlvitals.records import Event, Record
from rlvitals.sinks import Sink, SinkContext
from rlvitals.sinks.alerts import DiscordAlerts
from rlvitals.testing.sinks import SinkContract

MakeFinding = Callable[..., Event]


class TestContract(SinkContract):
    kinds = frozenset()  # an alert is no record

    @pytest.fixture(autouse=True)
    def _served(self, server: Any) -> None:
        self.server = server

    def make_sink(self) -> Sink:
        return DiscordAlerts(self.server.url)

    def taken(self, sink: Sink) -> list[Record]:
        del sink
        return []


def sent(server: Any, event: Event, context: SinkContext | None = None) -> dict[str, Any]:
    sink = DiscordAlerts(server.url)
    if context is not None:
        sink.begin(context)
    sink.write(event)
    (body,) = server.bodies
    return dict(body)


def test_an_alert_as_an_embed(server: Any, context: SinkContext, finding: MakeFinding) -> None:
    """Title, message, colour, details; and nobody may be mentioned."""

    body = sent(server, finding("plateau", "warning", data={"source": None, "advice": None, "evidence": None}), context)
    assert body == {
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


def test_the_end_of_a_finding_is_green(server: Any, finding: MakeFinding) -> None:
    """A channel is read by its colours."""

    sink = DiscordAlerts(server.url)
    sink.write(finding())
    sink.write(finding(data={"state": "closed"}))
    assert [body["embeds"][0]["color"] for body in server.bodies] == [0xE74C3C, 0x2ECC71]


def test_hostile_text_mentions_nobody(server: Any, finding: MakeFinding) -> None:
    """Mentions are off for the message, and marks are shown as they were written."""

    body = sent(server, finding(message="@everyone <@&1> **big** [link](http://x)"))
    assert body["allowed_mentions"] == {"parse": []}
    assert "content" not in body
    assert body["embeds"][0]["description"] == ("\\@everyone \\<\\@&1\\> \\*\\*big\\*\\* \\[link\\]\\(http\\://x\\)")


def test_long_texts_are_cut_to_what_discord_takes(server: Any, finding: MakeFinding) -> None:
    """Each text, and 6,000 in all, counted as Discord counts: a character beyond the first plane is two."""

    long = "🙂" * 1_000
    details = dict.fromkeys(("cause", "evidence", "advice", "source"), [long] * 9)
    body = sent(server, finding(message=long * 2, code=long, data=details))
    (embed,) = body["embeds"]
    size = {name: len(embed[name].encode("utf-16-le")) // 2 for name in ("title", "description")}
    values = [len(field["value"].encode("utf-16-le")) // 2 for field in embed["fields"]]
    assert size["title"] <= 256
    assert 1_900 < size["description"] <= 4_096
    assert max(values) <= 1_024
    assert len(embed["fields"]) <= 25
    assert sum(size.values()) + sum(values) + sum(len(field["name"]) for field in embed["fields"]) <= 6_000
