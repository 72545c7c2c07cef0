"""Tests of `rlvitals export`."""

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


def test_the_extension_selects_the_format(monitor: Monitor, invoke: Invoke, tmp_path: Path) -> None:
    """The command prints the path and the size."""
    made(monitor)
    result = invoke("export", "run", "-o", "a.json")

    document = json.loads((tmp_path / "a.json").read_text())
    assert [each["reward"] for each in document["streams"]["episodes"]] == [1.5]
    assert result.stdout == f"a.json  {(tmp_path / 'a.json').stat().st_size:,} bytes\n"


def test_a_stream_can_be_selected(monitor: Monitor, invoke: Invoke, tmp_path: Path) -> None:
    """A file for one stream contains only that stream."""
    made(monitor)
    invoke("export", "run", "-o", "updates.csv", "--stream", "updates")

    assert "value_loss" in (tmp_path / "updates.csv").read_text().splitlines()[0]


def test_the_default_path_is_in_the_artifacts_of_the_run(monitor: Monitor, invoke_json: Callable[..., Any]) -> None:
    """The default format is JSON."""
    made(monitor)

    assert invoke_json("export", "run", "--no-raw")["path"].endswith("logs/run/artifacts/exports/run.json")
    assert invoke_json("export", "run", "--format", "sqlite")["format"] == "sqlite"


def test_existing_files_are_only_replaced_with_force(monitor: Monitor, invoke: Invoke, tmp_path: Path) -> None:
    """Without `--force` the exit code is 2 and the file is unchanged."""
    made(monitor)
    (tmp_path / "a.json").write_text("mine")
    refused = invoke("export", "run", "-o", "a.json")

    assert (refused.exit_code, (tmp_path / "a.json").read_text()) == (2, "mine")
    assert refused.stderr == "rlvitals: a.json already exists. Choose another path, or overwrite it with --force\n"
    assert invoke("export", "run", "-o", "a.json", "--force").exit_code == 0


def test_the_formats_are_listed(invoke: Invoke) -> None:
    """`--formats` needs no run."""
    assert invoke("export", "--formats").stdout.split() == exporter_names()


def test_an_unknown_format_is_refused_in_one_line(monitor: Monitor, invoke: Invoke) -> None:
    """The error lists the available formats."""
    made(monitor)
    result = invoke("export", "run", "-o", "a.xlsx")

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "parquet" in result.stderr


def test_excel_escapes_formulas_in_csv(monitor: Monitor, invoke: Invoke, tmp_path: Path) -> None:
    """`--excel` is refused for other formats."""
    with monitor("run") as training:
        training.log_episode(0, -1.0, 5, category="=1+1")
    refused = invoke("export", training.path, "-o", tmp_path / "run.json", "--excel")
    invoke("export", training.path, "-o", tmp_path / "run.csv", "--excel")

    assert refused.exit_code == 2
    assert "--excel is only for CSV" in refused.stderr
    assert ",'=1+1," in (tmp_path / "run.csv").read_text()
