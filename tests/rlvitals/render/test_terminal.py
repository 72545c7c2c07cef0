"""Tests of the console, colours and JSON output."""

import json
import math
import re

import pytest

from rlvitals.render.terminal import PIPED_WIDTH, STYLES, make_screen, number_text, print_json, readable, status_text
from rlvitals.runs.header import STATUSES
from rlvitals.runs.vitality import CRASHED, STALLED


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_non_finite_values_are_highlighted(value: float) -> None:
    """Finite values have no style."""
    assert number_text(value).style == "bold red"
    assert number_text(1.0).style == ""


def test_json_is_strict(capsys: pytest.CaptureFixture[str]) -> None:
    """Non-finite numbers are spelled as in the run files, at any depth."""
    print_json({"a": [math.nan, {"b": -math.inf}], "c": None, "d": math.inf})

    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "a": ["NaN", {"b": "-Infinity"}],
        "c": None,
        "d": "Infinity",
    }


@pytest.mark.parametrize(
    ("colour", "coloured"), [({"FORCE_COLOR": "1"}, True), ({"NO_COLOR": "1"}, False), ({}, False)]
)
def test_colours_depend_on_the_environment(
    colour: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`FORCE_COLOR` and `NO_COLOR` are respected."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TERM", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in colour.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TERM", "xterm-256color")
    make_screen().print(status_text("failed"))

    assert bool(re.search("\x1b", capsys.readouterr().out)) is coloured


@pytest.mark.parametrize("status", [*STATUSES, STALLED, CRASHED])
def test_every_status_has_a_colour(status: str) -> None:
    """Statuses of the writer and derived statuses have a colour."""
    assert status_text(status).style == STYLES[status]


def test_an_unknown_status_is_shown_without_a_colour() -> None:
    """A newer release can have more statuses."""
    assert status_text("dreaming").plain == "dreaming"


def test_running_text_is_narrower_than_a_wide_screen() -> None:
    """In a pipe, running text is not folded."""
    assert (readable(80), readable(300), readable(PIPED_WIDTH - 2)) == (80, 100, PIPED_WIDTH - 2)
