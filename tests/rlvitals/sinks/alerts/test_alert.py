"""An event as an alert text."""

from collections.abc import Callable

from rlvitals.records import Event
from rlvitals.sinks.alerts.alert import alert_of, fitted, held_back, said

MakeFinding = Callable[..., Event]


def test_the_title_and_text_of_a_finding(finding: MakeFinding) -> None:
    """The text has the message, step, cause, evidence, advice and source."""

    alert = alert_of(finding(), "ppo-1", "logos")
    assert alert.title == "critical: kl-too-large in ppo-1"
    assert alert.text() == (
        "The policy moves too far in each update.\n"
        "step: 20,480\n"
        "cause: The learning rate is too high.\n"
        "evidence: kl_divergence 0.31, limit 0.05\n"
        "advice: Lower the learning rate.\n"
        "source: Schulman et al. 2017"
    )


def test_the_title_of_a_closed_finding(finding: MakeFinding) -> None:
    """It has the word resolved instead of the severity."""

    assert alert_of(finding(data={"state": "closed"}), "ppo-1", "").title == "resolved: kl-too-large in ppo-1"


def test_alerts_held_back_are_listed() -> None:
    """The five most frequent codes are listed by name, and the remaining ones as a total."""

    held = {"a": 5, "b": 4, "c": 3, "d": 2, "e": 1, "f": 1, "g": 1}
    assert held_back(held) == "17 more: a 5, b 4, c 3, d 2, e 1, others 2"
    assert alert_of(Event(time=1.0, kind="note", message="x"), "", "")._replace(held={"a": 2}).text() == (
        "x\nheld back: 2 more: a 2"
    )


def test_hostile_text_stays_on_its_line() -> None:
    """Line breaks, escape sequences and direction marks are escaped."""

    alert = alert_of(Event(time=1.0, kind="note", message="a\r\nBcc: b\x1b[2J\u202e"), "run\n", "")
    assert alert.text() == r"a\r\nBcc: b\x1b[2J\u202e"
    assert alert.title == r"info: note in run\n"


def test_data_of_any_type_is_formatted() -> None:
    """Numbers, lists, dicts and non-finite values are converted to text."""

    assert said({"x": 1, "y": [0.123456, float("nan"), None, True]}) == "x 1, y 0.1235; NaN; null; true"


def test_a_text_is_truncated_between_characters() -> None:
    """An escape sequence is never split, and the limit applies to the escaped text."""

    escape = {"&": "&amp;"}
    assert fitted("a&&", 11, lambda c: escape.get(c, c)) == "a&amp;&amp;"
    assert fitted("a&&", 10, lambda c: escape.get(c, c)) == "a&amp;…"
    assert fitted("a&&", 6, lambda c: escape.get(c, c)) == "a…"
