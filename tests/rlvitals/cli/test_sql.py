"""Tests of `rlvitals sql`."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from rlvitals import TrainingMonitor

Invoke = Callable[..., Result]
InvokeJson = Callable[..., Any]
Monitor = Callable[..., TrainingMonitor]

BY_TYPE = "select category, avg(reward) as reward from episodes group by 1 order by 1"


def trained(training: TrainingMonitor, *rewards: float) -> None:
    for number, reward in enumerate(rewards):
        training.log_episode(number, reward, 10, category="text" if number % 2 else "simple", parameters={"speckle": 4})


def test_a_query_covers_all_runs_in_the_folder(invoke: Invoke, monitor: Monitor) -> None:
    """The column `run` names the run of each row."""
    for name in ("one", "two"):
        with monitor(name) as training:
            trained(training, 1.0, 2.5)
    lines = invoke("sql", "select run, sum(reward) as total from episodes group by 1 order by 1").stdout.splitlines()

    assert [line.split() for line in lines] == [["run", "total"], ["one", "3.5"], ["two", "3.5"]]


def test_a_query_can_be_restricted_to_one_run(invoke_json: InvokeJson, monitor: Monitor) -> None:
    """Rows of other runs do not count."""
    for name in ("one", "two"):
        with monitor(name) as training:
            trained(training, *([1.0, 3.0] if name == "one" else [7.0]))

    assert invoke_json("sql", BY_TYPE, "one") == {
        "columns": ["category", "reward"],
        "rows": [{"category": "simple", "reward": 1.0}, {"category": "text", "reward": 3.0}],
    }


def test_non_finite_and_missing_values_are_shown(invoke: Invoke, invoke_json: InvokeJson, monitor: Monitor) -> None:
    """JSON spells non-finite values as in the run files; missing values are null, and `-` in the table."""
    with monitor() as training:
        trained(training, math.nan, -math.inf)
    asked = "select reward, quality_final, parameters from episodes order by episode"

    assert invoke_json("sql", asked)["rows"] == [
        {"reward": "NaN", "quality_final": None, "parameters": {"speckle": 4}},
        {"reward": "-Infinity", "quality_final": None, "parameters": {"speckle": 4}},
    ]
    assert invoke("sql", asked).stdout.splitlines()[1].split()[:2] == ["NaN", "-"]


def test_an_invalid_query_is_one_line_on_standard_error(invoke: Invoke, monitor: Monitor) -> None:
    """The line has the reason, and the exit code is 2."""
    with monitor() as training:
        trained(training, 1.0)
    result = invoke("sql", "select rewrad from episodes")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("rlvitals: ")
    assert "rewrad" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_run_that_cannot_be_opened_is_skipped_with_a_message(invoke: Invoke, monitor: Monitor, logs: Path) -> None:
    """The remaining runs are queried, and the command fails if no run remains."""
    with monitor() as training:
        trained(training, 1.0)
    (logs / "bad").mkdir()
    (logs / "bad" / "run.json").write_text("{}")
    result = invoke("sql", "select count(*) as n from episodes")

    assert result.stdout.split() == ["n", "1"]
    assert "skipped" in result.stderr
    assert invoke("sql", BY_TYPE, "nowhere").exit_code == 2


@pytest.mark.parametrize("order", ["drop table episodes", "copy episodes to 'x.csv'", "delete from episodes"])
def test_statements_other_than_queries_are_refused(invoke: Invoke, monitor: Monitor, order: str) -> None:
    """Runs are read-only."""
    monitor().close()
    result = invoke("sql", order)

    assert result.exit_code == 2
    assert result.stderr.startswith("rlvitals: only read-only queries are allowed, ")
