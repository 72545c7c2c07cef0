"""Tests of the SVG charts."""

import math
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.documents.charts import (
    AxisMark,
    Bad,
    Band,
    CurveChart,
    Estimate,
    Heat,
    IntervalChart,
    Line,
    ReferenceLine,
    axis,
    height_axis,
)
from rlvitals.render.svg import draw, spark
from rlvitals.render.svg_primitives import tick_text

_ANY = st.floats(allow_nan=True, allow_infinity=True)


def curve(values: list[float], **more: object) -> CurveChart:
    y = np.array(values, dtype=np.float64)
    return CurveChart("key", "<title>", "step", (Line(np.arange(float(y.size)), y),), **more)  # type: ignore[arg-type]


def numbers_in(drawing: str) -> list[str]:
    return [value for element in ET.fromstring(drawing).iter() for value in element.attrib.values()]  # noqa: S314


def height_in(drawing: str) -> float:
    return float(re.findall(r'viewBox="0 0 \S+ (\S+)"', drawing)[0])


@given(values=st.lists(_ANY, max_size=60))
def test_any_values_can_be_drawn(values: list[float]) -> None:
    """The drawing is XML without NaN coordinates for any values, also extreme and non-finite ones."""
    drawing = draw(curve(values, bands=(Band(np.arange(2.0), np.zeros(2), np.ones(2)),), healthy=(0.0, 1.0)))

    assert not [text for text in numbers_in(drawing) if "nan" in text.lower() or "inf," in text.lower()]


@given(low=st.floats(-1e300, 1e300), high=st.floats(-1e300, 1e300))
def test_ticks_are_inside_the_axis(low: float, high: float) -> None:
    """There are at most ten ticks."""
    found = axis(low, high)

    assert len(found.ticks) <= 10
    slack = (found.high / 2 - found.low / 2) * 1e-6
    assert all(found.low - slack <= tick <= found.high + slack for tick in found.ticks)


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.0, 1.0, ["0", "0.25", "0.50", "0.75", "1.00"]),
        (0.0, 60_000.0, ["0", "20k", "40k", "60k"]),
        (-1.0, 2.0, ["-1", "0", "1", "2"]),
        (0.0, 2.5e6, ["0", "1M", "2M"]),
    ],
)
def test_ticks_are_round_numbers(low: float, high: float, texts: list[str]) -> None:
    """Labels are short and have enough digits to differ."""
    found = axis(low, high)

    assert [tick_text(tick, found) for tick in found.ticks] == texts


def test_a_standalone_drawing_has_a_legend() -> None:
    """The legend explains each line and shade below the title, and takes no space if it is empty."""
    x, y = np.arange(2.0), np.ones(2)
    lines = (Line(x, y, "group1", "lr=0.1"), Line(x, y, "group2", "lr=0.2"))
    band = Band(x, y, y, "95 % interval", "group1")
    drawn, bare = (
        draw(CurveChart("key", "Learning", "step", lines, unit="reward", bands=bands), standalone=True)
        for lines, bands in ((lines, (band,)), ((Line(x, y),), ()))
    )

    assert ">Learning (reward)<" in drawn
    assert re.findall(
        r'<(?:path|rect) class="(rv-group\d|rv-band)\b[^>]*/><text[^>]*>([^<]+)', drawn.partition("<g ")[0]
    ) == [
        ("rv-group1", "lr=0.1"),
        ("rv-group2", "lr=0.2"),
        ("rv-band", "95 % interval"),
    ]
    assert height_in(bare) < height_in(drawn)


def test_the_mark_of_a_non_finite_value_is_below_that_of_its_finding() -> None:
    """Both marks are at the first NaN."""
    drawn = draw(
        curve([1.0, math.nan, 1.0], marks=(AxisMark(1.0, "1", "warning", "NaN"),), bad=(Bad(np.ones(1), "nan"),))
    )
    (ball,) = re.findall(r'<circle cx="\S+" cy="(\S+)" r="7"', drawn)
    (tick,) = re.findall(r'class="rv-bad" d="M\S+,(\S+)v8"', drawn)

    assert float(tick) > float(ball) + 7
    assert drawn.index("rv-mark") < drawn.index("rv-bad")


def test_outliers_do_not_flatten_the_curve() -> None:
    """They are outside the plot and counted in the drawing."""
    raw = np.concatenate([np.sin(np.arange(400.0)), [1e9]])
    chart = CurveChart("key", "title", "step", (Line(np.arange(401.0), raw, "raw"),))
    over, above, below = height_axis(chart)

    assert (over.high < 10.0, above, below) == (True, 1, 0)
    assert "not shown: 1 above" in draw(chart)


def test_gaps_break_the_line() -> None:
    """A point between two non-finite values is a dot."""
    drawing = draw(curve([1.0, 2.0, math.nan, 3.0, math.inf, 4.0, 5.0]))
    line = next(part for part in drawing.split("<path") if "rv-main" in part)

    assert (line.count("M"), line.count("L"), drawing.count("<circle")) == (3, 2, 1)


def test_findings_and_goals_are_marked() -> None:
    """Each finding has its number and a tooltip."""
    marks = (AxisMark(1.0, "1", "critical", "1: <bad>"), AxisMark(1.0, "2", "warning", "2: worse"))
    drawing = draw(curve([0.0, 1.0, 2.0], marks=marks, levels=(ReferenceLine(1.5, "target 1.5"),)))

    assert "1: &lt;bad&gt;" in drawing
    assert "target 1.5" in drawing
    assert drawing.count("rv-ball") == 2


def test_estimates_and_heat_maps_are_drawn() -> None:
    """Missing values are allowed."""
    estimates = IntervalChart(
        "k", "t", "share", (Estimate("a", 0.5, 0.4, 0.6, "50 %"), Estimate("b", None, None, None, "-"))
    )
    heat = Heat("k", "t", "x", "y", ("1", "2"), ("a",), np.array([[1.0, math.nan]]), np.array([[3, 0]]))

    assert ET.fromstring(draw(estimates)).tag.endswith("svg")  # noqa: S314
    assert "not tried" in draw(heat)


def test_a_heat_map_has_a_legend() -> None:
    """The legend has the shades of the cells and a hatched cell if some cells were not tried."""
    means, counts = np.array([[1.0, 9.0, math.nan]]), np.array([[3, 2, 0]])
    drawing = draw(Heat("k", "t", "x", "y", ("1", "2", "3"), ("a",), means, counts))
    shades = re.findall(r'class="rv-cell" fill-opacity="([\d.]+)"', drawing)
    tried = draw(Heat("k", "t", "x", "y", ("1", "2"), ("a",), means[:, :2], counts[:, :2]))

    assert (shades[:2], shades[2:]) == (["0.12", "1.00"], ["0.12", "0.34", "0.56", "0.78", "1.00"])
    assert re.findall(r">([^<>]+)</text>", drawing)[-3:] == ["1", "9", "not tried"]
    assert (drawing.count("rv-hatch"), tried.count("rv-hatch"), "dark" in drawing) == (2, 0, False)


def test_a_sparkline_marks_non_finite_values() -> None:
    """A sparkline without values is a dash."""
    assert spark([1.0, math.nan, 2.0, None]).count("rv-bad") == 1
    assert "svg" not in spark([None, None])


def test_a_sparkline_of_equal_values_is_a_horizontal_line() -> None:
    """This holds for very large values."""
    assert 'd="M2,12L60,12L118,12"' in spark([1.7e308] * 3)
