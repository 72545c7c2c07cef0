"""Records as rows of CSV."""

import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.records.coercion import NON_FINITE
from rlvitals.records.csv_cells import cells_in, exact_cell, row_of, rows_in, unquoted, value_in

TEXTS = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: text not in NON_FINITE)
VALUES = st.one_of(TEXTS, st.booleans(), st.integers(-(2**63) + 1, 2**63 - 1), st.floats())


@given(VALUES)
def test_a_value_comes_back_of_the_type_that_it_had(value: float | bool | str) -> None:
    """A text that looks like a number stays a text."""
    (cell,) = cells_in(exact_cell(value) + "\n")
    assert repr(value_in(unquoted(cell))) == repr(value)


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=4), max_size=4))
def test_rows_come_back(rows: list[list[str]]) -> None:
    """Whatever is in them: commas, quotes, ends of lines."""
    lines = io.StringIO("".join(map(row_of, rows)), newline="")  # as a file that is opened so
    assert [[unquoted(cell) for cell in cells_in(row)] for row in rows_in(lines)] == rows


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("1.0", 1.0), ("-1e-05", -1e-5), ("true", True), ("x", "x"), ('"7"', "7"), ('"', '"')]
)
def test_what_a_cell_looks_like_it_is(text: str, value: object) -> None:
    """By hand."""
    assert repr(value_in(text)) == repr(value)
    assert math.isnan(float(value_in("NaN")))
