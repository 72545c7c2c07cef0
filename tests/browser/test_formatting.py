"""The formatters of the pages and of the reports share one table of cases."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from rlvitals import formatting
from rlvitals.records import METRICS
from rlvitals.records.coercion import unspelled

CASES: dict[str, list[list[Any]]] = json.loads((Path(__file__).parents[1] / "format_cases.json").read_text())
CALLS = {
    "number": "format.number(...given)",
    "percent": "format.percent(...given)",
    "span": "format.span(...given.map(format.num))",
    "ago": "format.ago(...given)",
    "metric": "format.formatValue(dictionary.metricOf(given[0], given[1]), given[2])",
    "label": "dictionary.metricOf(...given).label",
    "named": "dictionary.metricNamed(...given).label",
}


def evaluated(page: Page, call: str, cases: list[list[Any]]) -> Any:
    return page.evaluate(
        f"""async (cases) => {{
            const format = await import("/static/format.js"), dictionary = await import("/static/dictionary.js");
            return cases.map((given) => {call});
        }}""",
        cases,
    )


@pytest.mark.parametrize("kind", CALLS)
def test_pages_format_values_like_reports(opened: Callable[..., Page], kind: str) -> None:
    """The cases of `tests/rlvitals/test_formatting.py` also hold in the browser."""
    made = evaluated(opened("/"), CALLS[kind], [case[:-1] for case in CASES[kind]])
    assert made == [case[-1] for case in CASES[kind]]


def test_pages_format_times_like_reports(opened: Callable[..., Page]) -> None:
    """Local times agree, including times outside the calendar."""
    times: list[list[Any]] = [[0.0], [86_399.9], [1_700_000_000.0], [-1e300], [1e300], ["NaN"], [None]]
    made = evaluated(opened("/"), "format.moment(...given.map(format.num))", times)
    assert made == [formatting.format_time(unspelled(time[0])) for time in times]


def test_the_pages_know_every_metric(opened: Callable[..., Page]) -> None:
    """Labels and panels on the pages are those of the metric dictionary."""
    every = [[stream, one.name] for stream, known in METRICS.items() for one in known]
    made = evaluated(opened("/"), "(({ label, panel }) => [label, panel])(dictionary.metricOf(...given))", every)
    assert made == [[one.label, one.panel] for known in METRICS.values() for one in known]
