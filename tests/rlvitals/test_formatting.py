"""Numbers, times and metrics in words. The pages' own formatters keep the same table of cases (`tests/browser`)."""

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
    """The cases of a kind, with numbers that are not finite as numbers; the last item of each is the text."""
    return [[*unspelled(case[:-1]), case[-1]] for case in CASES[kind]]


@pytest.mark.parametrize(("value", "digits", "text"), cases("number"))
def test_a_number_has_so_many_digits(value: float | None, digits: int, text: str) -> None:
    """Missing, NaN and both infinities are four texts; large numbers are whole, the largest and least have a power."""
    assert formatting.number(value, digits) == text


@pytest.mark.parametrize(("value", "digits", "text"), cases("percent"))
def test_a_share_is_a_percentage(value: float | None, digits: int | None, text: str) -> None:
    """Whole per cent by default; half a per cent is rounded up, as everybody expects."""
    assert formatting.percent(value, digits) == text


@pytest.mark.parametrize(("value", "text"), cases("span"))
def test_a_length_of_time_has_two_units_at_most(value: float | None, text: str) -> None:
    """A clock that was set back gives no negative time."""
    assert formatting.format_duration(value) == text


@pytest.mark.parametrize(("value", "text"), cases("ago"))
def test_an_age_is_a_length_of_time(value: float | None, text: str) -> None:
    """What happened within the last second is now."""
    assert formatting.format_age(value) == text


@pytest.mark.parametrize(("stream", "name", "value", "text"), cases("metric"))
def test_a_value_has_the_format_of_its_metric(stream: str, name: str, value: float | None, text: str) -> None:
    """Shares are percentages, counts are exact; a mean of counts is a number."""
    assert formatting.format_value(metric_of(stream, name), value) == text


def test_a_unit_is_added_on_request() -> None:
    """A pure number has none, and neither has a missing value."""
    memory, fraction = metric_of("system", "memory"), metric_of("updates", "clip_fraction")
    assert formatting.format_value(memory, 512.0, with_unit=True) == "512 MiB"
    assert formatting.format_value(memory, None, with_unit=True) == "-"
    assert formatting.format_value(fraction, 0.1, with_unit=True) == "0.1"


def test_the_time_of_a_metric_is_a_moment() -> None:
    """The one metric that is a moment is not shown in seconds since 1970."""
    assert formatting.format_value(metric_of("episodes", "time"), 86_400.0) == formatting.format_time(86_400.0)


@pytest.mark.parametrize(("stream", "name", "label"), cases("label"))
def test_every_metric_has_a_label(stream: str, name: str, label: str) -> None:
    """A custom metric has one too, from its name."""
    assert metric_of(stream, name).label == label


@pytest.mark.parametrize(("name", "label"), cases("named"))
def test_a_metric_is_found_by_the_name_that_a_user_types(name: str, label: str) -> None:
    """Without a stream it is of episodes."""
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
def test_a_value_of_no_known_metric_is_shown_too(value: object, text: str) -> None:
    """Two numbers are a range; texts are listed."""
    assert formatting.format_any(value) == text


def test_a_moment_is_said_in_local_time() -> None:
    """With the distance to UTC, so that it can be placed from elsewhere."""
    said = formatting.format_time(86_400.0)

    assert said.startswith(("1970-01-01 ", "1970-01-02 "))
    assert said[-5] in "+-"


@pytest.mark.parametrize("time", [math.nan, 1e300, -1e300])
def test_a_moment_that_no_calendar_has_is_said_in_seconds(time: float) -> None:
    """A replayed training may log any time."""
    assert formatting.format_time(time).endswith(" s")


@pytest.mark.parametrize(("many", "text"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1_200, "1,200 runs")])
def test_one_thing_is_singular(many: int, text: str) -> None:
    """Everything else is plural."""
    assert formatting.counted(many, "run") == text


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
def test_dropped_records_are_named_by_sink(dropped: dict[str, int], text: str) -> None:
    """Those of the run folder have no name."""
    assert formatting.dropped_text(dropped) == text


def test_a_sparkline_rises_with_its_values() -> None:
    """The lowest and the highest value have the lowest and the highest block."""
    assert formatting.sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"


def test_a_sparkline_shows_what_is_absent_and_what_is_not_finite() -> None:
    """They take no part in the scale."""
    assert formatting.sparkline([1.0, None, math.nan, math.inf, 2.0]) == "▁ !!█"


@pytest.mark.parametrize(
    ("values", "said"), [([], ""), ([5.0], "▄"), ([3.0, 3.0], "▄▄"), ([math.nan], "!"), ([-1.7e308, 1.7e308], "▁█")]
)
def test_a_sparkline_of_next_to_nothing_is_drawn_too(values: list[float], said: str) -> None:
    """A constant curve is in the middle; the largest floats do not overflow."""
    assert formatting.sparkline(values) == said
