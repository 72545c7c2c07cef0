"""Tests of the wording of numbers and names."""

import pytest

from rlvitals.comparison.wording import short


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "unknown"),
        (40_000.0, "40,000"),
        (4e140, "4e+140"),
        (0.012345, "0.01235"),
        (-3.0, "-3"),
        (1234.5, "1,235"),
    ],
)
def test_numbers_in_sentences_are_short(value: float | None, said: str) -> None:
    """Numbers have four digits, and large ones are whole unless they have more than nine digits."""

    assert short(value) == said
