"""What keeps a recorded text from steering a terminal, and words in lines."""

import math

import pytest

from rlvitals.render import terminal_text


def test_recorded_text_cannot_steer_the_terminal() -> None:
    """Escape sequences are shown, not obeyed."""
    assert terminal_text.escape_control("a\x1b[31mb\x07\nc") == r"a\x1b[31mb\x07\nc"


def test_a_sparkline_rises_with_its_values() -> None:
    """The lowest and the highest value have the lowest and the highest block."""
    assert terminal_text.sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


def test_a_sparkline_shows_what_is_absent_and_what_is_not_finite() -> None:
    """They take no part in the scale."""
    assert terminal_text.sparkline([1.0, None, math.nan, math.inf, 2.0]) == "▁ !!█"


@pytest.mark.parametrize(
    ("values", "said"), [([], ""), ([5.0], "▄"), ([3.0, 3.0], "▄▄"), ([math.nan], "!"), ([-1.7e308, 1.7e308], "▁█")]
)
def test_a_sparkline_of_next_to_nothing_is_drawn_too(values: list[float], said: str) -> None:
    """A constant curve is in the middle; the largest floats do not overflow."""
    assert terminal_text.sparkline(values) == said
