"""Numbers are read from texts to the digits that are shown, and answers are compared."""

import math

import pytest

from .stated import (
    NOTHING,
    Quantity,
    Stated,
    disagreements,
    exact,
    finite_mean,
    not_finite,
    percent,
    rounded,
    share_of_reported,
    window,
)


@pytest.mark.parametrize(
    ("text", "value", "agrees"),
    [
        ("0.8984", 0.89838, True),
        ("0.8984", 0.89832, False),
        ("0.9", 0.90003, True),  # trailing zeros are left out
        ("0.9", 0.9002, False),
        ("1,234", 1234.4, True),
        ("1,234", 1235.0, False),
        ("-0.01 more words", -0.01, True),
        ("0", 0.0001, False),
        ("Infinity", math.inf, True),
        ("NaN", 0.5, False),
    ],
)
def test_a_rounded_number_agrees_with_what_it_was_rounded_from(text: str, value: float, agrees: bool) -> None:
    """And with nothing further away than half a unit of its last digit."""
    assert rounded(text).agrees(Quantity(value)) is agrees


def test_a_number_that_does_not_exist_agrees_with_nothing_else() -> None:
    """Null and NaN both state that there is none; an infinity is a number of its own."""
    assert rounded("-").agrees(exact(None))
    assert exact("NaN").agrees(NOTHING)
    assert not exact("Infinity").agrees(NOTHING)
    assert not NOTHING.agrees(Quantity(0.0))


def test_shares_and_windows_are_read() -> None:
    """With how many values they are taken over."""
    assert percent("62 %").agrees(Quantity(0.6249))
    assert not percent("62 %").agrees(Quantity(0.63))
    assert share_of_reported("50 % of 34", 400)["success_reported"] == Quantity(34.0)
    assert share_of_reported("50 %", 400)["success_reported"] == Quantity(100.0)
    assert window("last 100", 3) == Quantity(3.0)
    assert not_finite("1.008 1 bad") == not_finite("last 100; 1 not finite") == {"reward_not_finite": Quantity(1.0)}
    assert not_finite("1.008") == {}


def test_a_mean_leaves_out_what_is_not_finite() -> None:
    """Of nothing there is none."""
    assert finite_mean([1.0, math.nan, 2.0, math.inf]) == Quantity(1.5)
    assert math.isnan(finite_mean([math.nan]).value)


def test_outputs_that_contradict_one_another_are_named() -> None:
    """Those that do not state the fact are left out; a rounded number contradicts nothing that it may stand for."""
    answers: dict[str, Stated] = {
        "report": {"title": "Converged", "reward": Quantity(0.8984, 0.00005)},
        "page": {"title": "Completed", "reward": Quantity(0.89838)},
        "list": {"reward": Quantity(0.8984, 0.00005)},
    }

    assert disagreements(answers, "title") == ["Converged: report", "Completed: page"]
    assert disagreements(answers, "reward") == []
    assert disagreements(answers, "health") == []
