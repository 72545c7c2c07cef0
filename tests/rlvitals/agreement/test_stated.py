"""Numbers are parsed to the digits shown, and answers are compared."""

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
def test_a_rounded_number_agrees_with_its_original(text: str, value: float, agrees: bool) -> None:
    """A rounded number agrees only with numbers within half a unit of its last digit."""
    assert rounded(text).agrees(Quantity(value)) is agrees


def test_a_missing_number_agrees_only_with_a_missing_number() -> None:
    """Null and NaN both mean that there is no value, and an infinity is a value."""
    assert rounded("-").agrees(exact(None))
    assert exact("NaN").agrees(NOTHING)
    assert not exact("Infinity").agrees(NOTHING)
    assert not NOTHING.agrees(Quantity(0.0))


def test_shares_and_windows_are_read() -> None:
    """Shares and windows are read with the number of values that they cover."""
    assert percent("62 %").agrees(Quantity(0.6249))
    assert not percent("62 %").agrees(Quantity(0.63))
    assert share_of_reported("50 % of 34", 400)["success_reported"] == Quantity(34.0)
    assert share_of_reported("50 %", 400)["success_reported"] == Quantity(100.0)
    assert window("last 100", 3) == Quantity(3.0)
    assert not_finite("1.008 1 bad") == not_finite("last 100; 1 not finite") == {"reward_not_finite": Quantity(1.0)}
    assert not_finite("1.008") == {}


def test_a_mean_leaves_out_non_finite_values() -> None:
    """The mean without finite values is NaN."""
    assert finite_mean([1.0, math.nan, 2.0, math.inf]) == Quantity(1.5)
    assert math.isnan(finite_mean([math.nan]).value)


def test_contradicting_outputs_are_listed() -> None:
    """Outputs without the fact are left out, and a rounded number agrees with its possible originals."""
    answers: dict[str, Stated] = {
        "report": {"title": "Converged", "reward": Quantity(0.8984, 0.00005)},
        "page": {"title": "Completed", "reward": Quantity(0.89838)},
        "list": {"reward": Quantity(0.8984, 0.00005)},
    }

    assert disagreements(answers, "title") == ["Converged: report", "Completed: page"]
    assert disagreements(answers, "reward") == []
    assert disagreements(answers, "health") == []
