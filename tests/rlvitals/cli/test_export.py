"""`rlvitals export`: a run, for other programs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import Result

from rlvitals import TrainingMonitor
from rlvitals.formats.exporters import exporter_names

Invoke = Callable[..., Result]
Monitor = Callable[..., TrainingMonitor]


def made(monitor: Monitor) -> None:
    with monitor() as training:
        training.log_episode(0, 1.5, 3)
        training.log_training_step(3, value_loss=0.5)


def test_the_ending_says_the_format(monitor: Monitor, invoke: Invoke, tmp_path: Path) -> None:
    """And the path is told, with its size."""
    made(monitor)
    result = invoke("export", "run", "-o", "a.json")

    document = json.loads((tmp_path / "a.json").read_text())
    assert [each["reward"] for each in document["streams"]["episodes"]] == [1.5]
    assert result.stdout == f"a.json  {(tmp_path / 'a.json').stat().st_size:,} bytes\n"


def test_a_stream_may_be_chosen(monitor: Monitor, invoke: Invoke, tmp_path: Path) -> None:
    """For a file that holds one."""
    made(monitor)
    invoke("export", "run", "-o", "updates.csv", "--stream", "updates")

    assert "value_loss" in (tmp_path / "updates.csv").read_text().splitlines()[0]


def test_without_a_path_it_goes_into_the_runs_artifacts(monitor: Monitor, invoke_json: Callable[..., Any]) -> None:
    """As JSON, unless a format is named."""
    made(monitor)

    assert invoke_json("export", "run", "--no-raw")["path"].endswith("logs/run/artifacts/exports/run.json")
    assert invoke_json("export", "run", "--format", "sqlite")["format"] == "sqlite"


def test_nothing_is_overwritten_unless_that_is_said(monitor: Monitor, invoke: Invoke, tmp_path: Path) -> None:
    """Exit code 2, and one line."""
    made(monitor)
    (tmp_path / "a.json").write_text("mine")
    refused = invoke("export", "run", "-o", "a.json")

    assert (refused.exit_code, (tmp_path / "a.json").read_text()) == (2, "mine")
    assert refused.stderr.startswith("rlvitals: a.json already exists")
    assert invoke("export", "run", "-o", "a.json", "--force").exit_code == 0


def test_the_formats_are_listed(invoke: Invoke) -> None:
    """Without a run."""
    assert invoke("export", "--formats").stdout.split() == exporter_names()


def test_an_unknown_format_is_one_line(monitor: Monitor, invoke: Invoke) -> None:
    """With those that there are."""
    made(monitor)
    result = invoke("export", "run", "-o", "a.xlsx")

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "parquet" in result.stderr


def test_csv_for_a_spreadsheet(monitor: Monitor, invoke: Invoke, tmp_path: Path) -> None:
    """Has no formulas; other formats have none anyway."""
    with monitor("run") as training:
        training.log_episode(0, -1.0, 5, category="=1+1")
    refused = invoke("export", training.path, "-o", tmp_path / "run.json", "--excel")
    invoke("export", training.path, "-o", tmp_path / "run.csv", "--excel")

    assert refused.exit_code == 2
    assert "--excel is for CSV" in refused.stderr
    assert ",'=1+1," in (tmp_path / "run.csv").read_text()
