"""Tests of charts on a terminal."""

import io
import math
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from rlvitals.documents.charts import (
    Bad,
    Chart,
    CurveChart,
    Estimate,
    Heat,
    IntervalChart,
    Line,
    ReferenceLine,
    Strip,
    Strips,
)
from rlvitals.documents.document import Charts
from rlvitals.render.terminal_charts import drawn
from rlvitals.render.terminal_tables import thinned


def shown(*charts: Chart, width: int = 100, wide: bool = False) -> list[str]:
    """Return the lines of charts without trailing spaces."""
    screen = Console(width=width, file=io.StringIO(), color_system=None)
    for part in drawn(Charts(charts, wide), width):
        screen.print(part)
    return [line.rstrip() for line in screen.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def curve(values: list[float], **more: Any) -> CurveChart:
    """Return a curve of values on steps from 0."""
    y = np.array(values)
    line = Line(np.arange(float(y.size)), y, "main", "each")
    return CurveChart(key="loss", title="Loss", clock="step", lines=(line,), spark=tuple(values))._replace(**more)


def test_a_wide_curve_is_drawn_with_blocks() -> None:
    """The range is on the left and the axis below."""
    lines = shown(curve([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), wide=True)

    assert lines[0] == "Loss"
    assert lines[1].split() == ["5", "█"]
    assert lines[6].split() == ["0", "▁█████"]
    assert lines[7].split() == ["step", "0", "5"]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_chart_fits_the_screen(width: int) -> None:
    """It has at most 72 columns."""
    lines = shown(curve([float(place) for place in range(500)]), wide=True, width=width)

    assert max(map(len, lines)) <= min(width, 80)


def test_curves_without_a_range_are_drawn() -> None:
    """Very large values, whose range overflows, are drawn too."""
    assert shown(curve([3.0, 3.0]), wide=True)[1].strip().startswith("3")
    assert shown(curve([3.0]), wide=True)[4].strip() == "█"
    assert shown(curve([-1.7e308, 1.7e308]), wide=True)[1].split() == ["1.7e+308", "█"]


def test_non_finite_values_are_marked_below_their_position() -> None:
    """The line continues, and the title has their number."""
    found = curve([0.0, math.nan, 2.0])
    lines = shown(found._replace(bad=(Bad(np.array([1.0]), "nan"),), note="1 NaN of 3 values"), wide=True)

    assert lines[0] == "Loss  1 NaN of 3 values"
    assert lines[7].strip() == "!"
    assert "NaN" not in "".join(lines[1:])


def test_reference_lines_are_listed() -> None:
    """They are listed below the chart."""
    assert shown(curve([0.0, 1.0], levels=(ReferenceLine(9.0, "target 9"),)), wide=True)[-1].strip() == "target 9"


def test_small_curves_are_rows_with_their_ends_and_extremes() -> None:
    """First, low, high and last are recorded values, not smoothed ones."""
    smooth = Line(np.array([0.0, 1.0]), np.array([7.0, 7.0]), "main", "mean of 5")
    found = curve([3.0, 1.0, 9.0, 5.0])
    lines = shown(found._replace(lines=(found.lines[0]._replace(kind="raw"), smooth)))

    assert lines[0].split() == ["over", "the", "run", "first", "low", "high", "last"]
    assert lines[1].split() == ["Loss", "▃▁█▅", "3", "1", "9", "5"]


@pytest.mark.parametrize(("last", "said"), [(0.5, "0.1 to 1"), (3.0, "0.1 to 1: above"), (0.0, "0.1 to 1: below")])
def test_a_last_value_outside_the_healthy_range_is_marked(last: float, said: str) -> None:
    """The mark is a word, because a pipe has no colours."""
    assert shown(curve([0.5, last], healthy=(0.1, 1.0)))[1].endswith(f"  {said}")


def test_a_narrow_screen_has_shorter_curves_then_no_extremes() -> None:
    """The table is not split."""
    values = [float(place) for place in range(40)]
    wide, narrow, narrowest = (shown(curve(values), width=width) for width in (100, 60, 40))

    assert "low" in narrow[0]
    assert len(narrow[1]) <= 60 < len(wide[1])
    assert "low" not in narrowest[0]
    assert len(narrowest) == 2


def test_groups_are_rows() -> None:
    """Each group of a comparison has a sparkline."""
    x = np.array([0.0, 1.0])
    lines = tuple(
        Line(x, np.array([0.0, end]), f"group{place}", name) for place, end, name in ((1, 1.0, "a"), (2, 2.0, "b"))
    )
    rows = shown(curve([0.0])._replace(lines=lines))

    assert [row.split()[0] for row in rows[2:]] == ["a", "b"]
    assert [row.split()[-1] for row in rows[2:]] == ["1", "2"]


def test_shares_are_bars_and_other_estimates_intervals() -> None:
    """Each row has its text."""
    row = Estimate("text", 0.5, 0.25, 0.75, "50 % (25 % to 75 %)")
    share = shown(IntervalChart("k", "Success", "share", (row,), (0.0, 1.0), share=True))
    difference = shown(IntervalChart("k", "Difference", "reward", (row,), (-1.0, 1.0), zero=0.0))

    assert share[0] == "Success"
    assert share[-1].split(maxsplit=2) == ["text", "██████████░░░░░░░░░░", "50 % (25 % to 75 %)"]
    assert "●" in difference[-1]


def test_runs_of_a_group_are_listed() -> None:
    """The first twenty values are listed in order."""
    strip = Strip("a", "group1", tuple(float(place) for place in range(25)), (), (), (None, None, None), "n = 25")
    line = " ".join(" ".join(shown(Strips("k", "Every run", "reward", (strip,)), width=300)).split())

    assert "n = 25 0, 1, 2, 3" in line
    assert line.endswith("19, and 5 more")


def test_a_heat_map_has_one_block_per_cell() -> None:
    """A dot marks cells that were not tried, and a map without values is omitted."""
    means = np.array([[0.0, math.nan], [0.5, 1.0]])
    found = Heat("k", "Reward", "speed", "colour", ("1", "2"), ("low", "high"), means, np.ones((2, 2), np.int64))

    assert shown(found) == [
        "Reward: 0 (▁) to 1 (█)",
        "colour  speed: 1 to 2",
        "   low  ▁▁··",
        "  high  ▅▅██",
    ]
    assert shown(found._replace(means=means * math.nan)) == []


def test_a_curve_is_shortened_to_means() -> None:
    """A stretch with a non-finite value becomes NaN."""
    assert thinned((1.0, 2.0, -8.0, 4.0, None, None), 3) == (1.5, -2.0, None)
    assert math.isnan(thinned((1.0, math.nan, 3.0, 4.0), 2)[0] or 0.0)
    assert thinned((1.0, 2.0), 3) == (1.0, 2.0)
