"""Numbers, times and texts as a person reads them."""

import math

import pytest

from rlvitals.cli import words


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "-"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (0.0, "0"),
        (0.000312345, "0.0003123"),
        (1e-9, "1e-09"),
        (12.3456, "12.35"),
        (-999.96, "-1000"),
        (1234.6, "1,235"),
        (123456789.0, "123,456,789"),
        (1e300, "1e+300"),
    ],
)
def test_a_number_is_short_and_says_what_it_is(value: float | None, said: str) -> None:
    """Absent, NaN and both infinities are four things on the screen too."""
    assert words.number(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "-"),
        (-5.0, "0s"),
        (0.4, "0s"),
        (59.4, "59s"),
        (59.6, "1m 0s"),
        (3_599.0, "59m 59s"),
        (3_600.0, "1h 0m"),
        (90_000.0, "1d 1h"),
    ],
)
def test_a_length_of_time_is_said_by_its_two_largest_units(seconds: float | None, said: str) -> None:
    """A clock that was set back gives no negative time."""
    assert words.span(seconds) == said


@pytest.mark.parametrize(
    ("share", "said"), [(None, "-"), (0.0, "0 %"), (0.425, "42 %"), (1.0, "100 %"), (math.nan, "NaN")]
)
def test_a_share_is_said_in_percent(share: float | None, said: str) -> None:
    """NaN stays visible."""
    assert words.percent(share) == said


def test_a_moment_is_said_in_local_time() -> None:
    """With the distance to UTC, so that it can be placed from elsewhere."""
    said = words.moment(86_400.0)

    assert said.startswith(("1970-01-01 ", "1970-01-02 "))
    assert said[-5] in "+-"


@pytest.mark.parametrize("time", [math.nan, 1e300, -1e300])
def test_a_moment_that_no_calendar_has_is_said_in_seconds(time: float) -> None:
    """A replayed training may log any time."""
    assert words.moment(time).endswith(" s")


def test_recorded_text_cannot_steer_the_terminal() -> None:
    """Escape sequences are shown, not obeyed."""
    assert words.clean("a\x1b[31mb\x07\nc") == r"a\x1b[31mb\x07\nc"


def test_a_sparkline_rises_with_its_values() -> None:
    """The lowest and the highest value have the lowest and the highest block."""
    assert words.sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


def test_a_sparkline_shows_what_is_absent_and_what_is_not_finite() -> None:
    """They take no part in the scale."""
    assert words.sparkline([1.0, None, math.nan, math.inf, 2.0]) == "▁ !!█"


@pytest.mark.parametrize(
    ("values", "said"), [([], ""), ([5.0], "▄"), ([3.0, 3.0], "▄▄"), ([math.nan], "!"), ([-1.7e308, 1.7e308], "▁█")]
)
def test_a_sparkline_of_next_to_nothing_is_drawn_too(values: list[float], said: str) -> None:
    """A constant curve is in the middle; the largest floats do not overflow."""
    assert words.sparkline(values) == said


def test_words_are_packed_without_being_broken() -> None:
    """A word that is too long has a line of its own."""
    assert words.packed(["aa", "bb", "a-long-one", "c"], 8) == ["aa  bb", "a-long-one", "c"]
