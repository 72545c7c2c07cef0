"""Tests of tables that fit a terminal."""

import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rlvitals.documents.document import Span, Spark, Table, Toned
from rlvitals.formatting import ABSENT, interval_line
from rlvitals.render.terminal import TONES
from rlvitals.render.terminal_tables import cell_text, fitted

TITLES = ("name", "verdict", "mean", "95 % interval", "median", "spread", "note")
ROWS = (
    ("Policy loss", "none shown", "-0.01211", "-0.01433 to -0.009892", "-0.01204", "0.006393", "a long note, in words"),
    ("Explained variance", "better", "0.6959", "0.5 to 0.7", "0.8008", "0.231", "short"),
)  # fmt: skip
WIDE = Table(TITLES, ROWS, texts=(0, 1, 6))


def shown(table: Table, width: int) -> str:
    """Return a table as printed at a width, without trailing spaces."""
    screen = Console(width=width, file=io.StringIO(), color_system=None)
    for part in fitted(table, width):
        screen.print(part)
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_a_table_that_fits_is_one_table() -> None:
    """Each row is one line."""
    lines = shown(WIDE, 160).splitlines()

    assert len(lines) == 3
    assert lines[0].split() == " ".join(TITLES).split()


@pytest.mark.parametrize("width", range(30, 161, 10))
def test_no_number_and_no_word_is_broken(width: int) -> None:
    """At any width, all words are complete and no line is wider than the screen."""
    text = shown(WIDE, width)
    words = text.split()

    assert max(map(len, text.splitlines())) <= width
    for row in ROWS:
        assert all(words.count(word) >= 1 for cell in row for word in cell.split())


def test_a_table_that_is_too_wide_is_split_and_each_part_names_the_rows() -> None:
    """Numbers stay in columns, so that they can be compared."""
    parts = shown(WIDE, 70).split("\n\n")

    assert len(parts) > 1
    assert all("Explained variance" in part for part in parts)


def test_each_part_repeats_the_columns_that_identify_a_row() -> None:
    """The first column has the same text in both rows."""
    rows = tuple(("reward", against, *(["1234567890"] * 6)) for against in ("first", "second"))
    titles = ("metric", "against", *(f"column {place}" for place in range(6)))
    parts = shown(Table(titles, rows, texts=(0, 1)), 50).split("\n\n")

    assert len(parts) > 1
    assert all("second" in part for part in parts)


def test_a_single_row_that_does_not_fit_is_a_list_of_names_and_values() -> None:
    """A list is easier to read than a row in several parts."""
    lines = shown(WIDE._replace(rows=ROWS[1:]), 40).splitlines()

    assert lines[0].split() == ["name", "Explained", "variance"]
    assert [line.split()[0] for line in lines[1:3]] == ["verdict", "mean"]


def test_a_column_without_any_value_is_omitted() -> None:
    """A column with a single value stays."""
    table = Table(("", "a", "b"), (("x", ABSENT, "1"), ("y", Toned(ABSENT, "quiet"), ABSENT)))

    assert shown(table, 80).splitlines()[0].split() == ["b"]


def test_a_table_without_rows_is_omitted() -> None:
    """Its titles are not printed either."""
    assert shown(Table(TITLES, ()), 80) == ""


@given(
    cells=st.lists(
        st.tuples(st.text("ab ", max_size=60), st.text("0123456789", max_size=12), st.text("ab ", max_size=30)),
        min_size=1,
        max_size=4,
    ),
    width=st.integers(20, 120),
)
def test_no_line_is_longer_than_the_screen(cells: list[tuple[str, str, str]], width: int) -> None:
    """This holds for any cells, and every number is complete."""
    text = shown(Table(("name", "number", "text"), tuple(cells), texts=(0, 2)), width)

    assert max(map(len, text.splitlines()), default=0) <= width
    assert all(number in text for _, number, _ in cells)


def test_recorded_text_is_escaped() -> None:
    """Cells and titles are escaped."""
    text = shown(Table(("a\x1b[2J",), ((Toned("b\x07", "bad"),), ("c\u202e",)), texts=(0,)), 80)

    assert text.split() == ["a\\x1b[2J", "b\\x07", "c\\u202e"]


def test_tones_are_colours() -> None:
    """Stretches of a sparkline with non-finite values are highlighted."""
    spark = cell_text(Spark((1.0, math.nan, 2.0)))

    assert cell_text(Toned("x", "bad")).style == TONES["bad"]
    assert (spark.plain, spark.spans[0].style) == ("▁!█", TONES["bad"])


@pytest.mark.parametrize(
    ("ends", "drawn"),
    [
        ((5.0, 2.0, 8.0, -10.0, 10.0), "          │ ───●───  "),
        ((0.0, -10.0, 10.0, -10.0, 10.0), "──────────●──────────"),
        ((5.0, None, None, -10.0, 10.0), "          │    ●     "),
        ((5.0, 4.0, 6.0, 4.0, 6.0), "──────────●──────────"),
        ((None, None, None, -1.0, 1.0), ABSENT),
        ((math.nan, 0.0, 1.0, -1.0, 1.0), ABSENT),
        ((1.0, 1.0, 1.0, 1.0, 1.0), ABSENT),
    ],
)
def test_an_interval_is_drawn_with_its_zero_line(
    ends: tuple[float | None, float | None, float | None, float, float], drawn: str
) -> None:
    """Intervals outside the drawing are missing."""
    assert interval_line(*ends) == drawn


def test_the_largest_intervals_are_drawn() -> None:
    """An interval whose length overflows is drawn."""
    assert cell_text(Span(1e308, -1e308, 1.7e308, 1.7e308, "")).plain.count("●") == 1
