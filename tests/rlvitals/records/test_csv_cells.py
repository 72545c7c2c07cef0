"""Records as CSV rows."""

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
def test_a_value_keeps_its_type(value: float | bool | str) -> None:
    """A text that looks like a number stays a text."""
    (cell,) = cells_in(exact_cell(value) + "\n")
    assert repr(value_in(unquoted(cell))) == repr(value)


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=4), max_size=4))
def test_rows_are_read_back(rows: list[list[str]]) -> None:
    """Rows with commas, quotes and line breaks are read back unchanged."""
    lines = io.StringIO("".join(map(row_of, rows)), newline="")  # newline="", as for a CSV file
    assert [[unquoted(cell) for cell in cells_in(row)] for row in rows_in(lines)] == rows


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("1.0", 1.0), ("-1e-05", -1e-5), ("true", True), ("x", "x"), ('"7"', "7"), ('"', '"')]
)
def test_the_type_of_a_cell_is_inferred(text: str, value: object) -> None:
    """The type of a cell is inferred from its text."""
    assert repr(value_in(text)) == repr(value)
    assert math.isnan(float(value_in("NaN")))
