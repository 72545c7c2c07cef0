"""Formatting of numbers, times and metrics. `tests/browser` applies the same table of cases to the web pages."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from rlvitals import formatting
from rlvitals.records.coercion import unspelled
from rlvitals.records.metrics import metric_named, metric_of

CASES: dict[str, list[list[Any]]] = json.loads((Path(__file__).parents[1] / "format_cases.json").read_text())


def cases(kind: str) -> list[list[Any]]:
    """Return the cases of a kind, with non-finite numbers as floats. The last item of each case is the text."""
    return [[*unspelled(case[:-1]), case[-1]] for case in CASES[kind]]


@pytest.mark.parametrize(("value", "digits", "text"), cases("number"))
def test_a_number_is_rounded_to_significant_digits(value: float | None, digits: int, text: str) -> None:
    """Missing values, NaN and both infinities have different texts. Large numbers are rounded to whole numbers, and the
    largest and smallest have a power of ten."""
    assert formatting.number(value, digits) == text


@pytest.mark.parametrize(("value", "digits", "text"), cases("percent"))
def test_a_share_is_a_percentage(value: float | None, digits: int | None, text: str) -> None:
    """It is a whole number by default, and half a percent is rounded up."""
    assert formatting.percent(value, digits) == text


@pytest.mark.parametrize(("value", "text"), cases("span"))
def test_a_duration_has_at_most_two_units(value: float | None, text: str) -> None:
    """A negative duration, after a clock was set back, is zero."""
    assert formatting.format_duration(value) == text


@pytest.mark.parametrize(("value", "text"), cases("ago"))
def test_an_age_is_formatted_as_a_duration(value: float | None, text: str) -> None:
    """An age below one second is "now"."""
    assert formatting.format_age(value) == text


@pytest.mark.parametrize(("stream", "name", "value", "text"), cases("metric"))
def test_a_value_has_the_format_of_its_metric(stream: str, name: str, value: float | None, text: str) -> None:
    """Fractions are percentages, and counts are exact. A mean of counts is formatted as a number."""
    assert formatting.format_value(metric_of(stream, name), value) == text


def test_a_unit_is_added_on_request() -> None:
    """A dimensionless number and a missing value have no unit."""
    memory, fraction = metric_of("system", "memory"), metric_of("updates", "clip_fraction")
    assert formatting.format_value(memory, 512.0, with_unit=True) == "512 MiB"
    assert formatting.format_value(memory, None, with_unit=True) == "-"
    assert formatting.format_value(fraction, 0.1, with_unit=True) == "0.1"


def test_the_time_metric_is_formatted_as_a_date() -> None:
    """It is not shown in seconds since 1970."""
    assert formatting.format_value(metric_of("episodes", "time"), 86_400.0) == formatting.format_time(86_400.0)


@pytest.mark.parametrize(("stream", "name", "label"), cases("label"))
def test_every_metric_has_a_label(stream: str, name: str, label: str) -> None:
    """The label of a custom metric is derived from its name."""
    assert metric_of(stream, name).label == label


@pytest.mark.parametrize(("name", "label"), cases("named"))
def test_a_metric_is_found_by_its_name(name: str, label: str) -> None:
    """A name without a stream belongs to the episodes stream."""
    assert metric_named(name).label == label


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.23456, "1.235"),
        (True, "True"),
        (7, "7"),
        ("a", "a"),
        ([0.5, 2.0], "0.5 to 2"),
        (["a", "b"], "a, b"),
        ([1, 5], "1 to 5"),
    ],
)
def test_a_value_of_an_unknown_metric_is_formatted(value: object, text: str) -> None:
    """Two numbers are a range, and texts are a list."""
    assert formatting.format_any(value) == text


def test_a_time_is_formatted_in_local_time() -> None:
    """The text includes the UTC offset."""
    said = formatting.format_time(86_400.0)

    assert said.startswith(("1970-01-01 ", "1970-01-02 "))
    assert said[-5] in "+-"


@pytest.mark.parametrize("time", [math.nan, 1e300, -1e300])
def test_a_time_outside_the_calendar_is_formatted_in_seconds(time: float) -> None:
    """A replayed training can log any number as a time."""
    assert formatting.format_time(time).endswith(" s")


@pytest.mark.parametrize(("many", "text"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1_200, "1,200 runs")])
def test_a_noun_is_singular_only_for_one(many: int, text: str) -> None:
    """All other numbers, including zero, have the plural."""
    assert formatting.counted(many, "run") == text


@pytest.mark.parametrize(
    ("names", "most", "text"),
    [
        (["a"], None, "a"),
        (["a", "b", "c"], None, "a, b and c"),
        (["a", "b"], 2, "a and b"),
        (["a", "b", "c", "d"], 2, "a, b and 2 more"),
    ],
)
def test_names_are_listed_in_a_sentence(names: list[str], most: int | None, text: str) -> None:
    """Names beyond the maximum are counted."""

    assert formatting.listed(names, most) == text


@pytest.mark.parametrize(
    ("dropped", "text"),
    [
        ({}, ""),
        ({"records": 0, "tensorboard": 0}, ""),
        ({"records": 1}, "1 record dropped"),
        ({"tensorboard": 3}, "3 records dropped by tensorboard"),
        ({"records": 5, "tensorboard": 3}, "5 records dropped, 3 records dropped by tensorboard"),
    ],
)
def test_dropped_records_are_listed_by_sink(dropped: dict[str, int], text: str) -> None:
    """Dropped records of the run folder have no sink name."""
    assert formatting.dropped_text(dropped) == text


def test_a_sparkline_rises_with_its_values() -> None:
    """The lowest value has the lowest block, and the highest value has the highest block."""
    assert formatting.sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


def test_a_sparkline_shows_missing_and_non_finite_values() -> None:
    """They do not affect the scale."""
    assert formatting.sparkline([1.0, None, math.nan, math.inf, 2.0]) == "▁ !!█"


@pytest.mark.parametrize(
    ("values", "said"), [([], ""), ([5.0], "▄"), ([3.0, 3.0], "▄▄"), ([math.nan], "!"), ([-1.7e308, 1.7e308], "▁█")]
)
def test_a_sparkline_of_few_or_extreme_values_is_drawn(values: list[float], said: str) -> None:
    """A constant curve is in the middle, and the largest floats do not overflow."""
    assert formatting.sparkline(values) == said
