"""The documentation page of alerts agrees with the code."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from rlvitals.adapters.actions import Action
from rlvitals.monitor.milestones import CODES
from rlvitals.sinks import Sink, alerts
from rlvitals.sinks.alerts import Alert, AlertSink, DiscordAlerts, Rules, SlackAlerts, WebhookAlerts

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "guides" / "alerts.md").read_text(encoding="utf-8")
ALERT = Alert(
    run="ppo-1",
    project="cartpole",
    time=1_700_000_000.0,
    kind="finding",
    severity="critical",
    code="kl-too-large",
    message="KL divergence too large since step 20,480",
    env_step=20_480,
    data={"state": "opened", "cause": "The learning rate is too high."},
)


def test_every_channel_rule_and_action_is_on_the_page() -> None:
    """The page has the name of each, and of each milestone."""

    targets = [kind for kind in vars(alerts).values() if isinstance(kind, type) and issubclass(kind, Sink)]
    assert len(targets) == 9
    for kind in targets:
        assert f"`{kind.__name__}` |" in PAGE or kind is AlertSink
    rows = [field.name for field in msgspec.structs.fields(Rules)]
    assert [name for name in (*rows, *CODES) if f"| `{name}` |" not in PAGE] == []
    ours = [kind.__name__ for kind in Action.__subclasses__() if kind.__module__ == Action.__module__]
    assert len(ours) == 3
    assert [name for name in ours if f"| `{name}` |" not in PAGE] == []


def test_every_variable_is_on_the_page() -> None:
    """The page lists exactly the environment variables that the sources read."""

    sources = (ROOT / "src" / "rlvitals" / "sinks" / "alerts").glob("*.py")
    read = {
        found for path in sources for found in re.findall(r"RLVITALS_[A-Z]+_[A-Z]+", path.read_text(encoding="utf-8"))
    }
    assert len(read) == 11
    assert set(re.findall(r"RLVITALS_[A-Z]+_[A-Z]+", PAGE)) == read


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_payloads_on_the_page_match_the_code(place: int) -> None:
    """The JSON on the page equals the payload of the channel."""

    kind = (WebhookAlerts, SlackAlerts, DiscordAlerts)[place]
    alert = ALERT._replace(held={"entropy-collapse": 2}) if kind is WebhookAlerts else ALERT
    shown = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[place])
    sent = kind("https://example.org/x").payload(alert)
    if kind is WebhookAlerts:
        assert sent["text"].startswith(shown.pop("text"))
        del sent["text"]
    assert shown == sent
