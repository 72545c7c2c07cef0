"""Tests of charts as tables."""

import math

import numpy as np

from rlvitals.documents.chart_tables import chart_tables
from rlvitals.documents.charts import CurveChart, Line
from rlvitals.documents.document import Toned


def row_of(values: list[float], *, kind: str = "main", share: bool = False) -> dict[str, object]:
    """Return the table row of a curve with these values."""
    line = Line(np.arange(float(len(values))), np.array(values), kind, "group")
    (table,) = chart_tables([CurveChart("key", "Title", "step", (line,), share=share)])
    return dict(zip(table.titles, table.rows[0], strict=True))


def test_a_rate_is_in_per_cent() -> None:
    """A rate is shown in per cent, as in the other tables."""
    row = row_of([0.75, 0.5, 1.0], share=True)

    assert (row["first"], row["low"], row["high"], row["last"]) == ("75 %", "50 %", "100 %", "100 %")


def test_the_first_and_the_last_value_are_those_recorded() -> None:
    """The first and last values are those recorded, even if non-finite, and the minimum and maximum are finite."""
    row = row_of([math.nan, 2.0, 3.0, math.inf])

    assert (row["first"], row["low"], row["high"], row["last"]) == (
        Toned("NaN", "bad"),
        "2",
        "3",
        Toned("Infinity", "bad"),
    )


def test_the_curve_of_a_group_starts_and_ends_with_its_values() -> None:
    """The curve of a group starts and ends with the first and last blocks that have a value."""
    row = row_of([math.nan, 2.0, 3.0, math.nan], kind="group1")

    assert (row["first"], row["last"]) == ("2", "3")
