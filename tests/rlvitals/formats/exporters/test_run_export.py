"""Exports by name and by suffix: atomic writes, and files that other programs can read."""

import contextlib
import csv
import importlib.util
import json
import math
import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pytest
from pyarrow import feather
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

from rlvitals.errors import ExportError, MissingExtraError
from rlvitals.formats.exporters import Exporter, Source, export_path, export_run, exporter_names, make_exporter
from rlvitals.formats.exporters.csv_exporter import MAX_KEYS, CsvExporter
from rlvitals.formats.importers import import_run
from rlvitals.records import Episode, PolicyUpdate
from rlvitals.runs import Header, Run
from rlvitals.runs.run_writer import RunWriter
from rlvitals.testing.exporters import made_run, plain, texts

LOSSES = (0.5, math.nan, math.inf, -math.inf, None)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with all kinds of loss values, and episodes with a parameter."""
    writer = RunWriter(tmp_path / "logs", "ppo-1")
    for step, loss in enumerate(LOSSES):
        writer.write(PolicyUpdate(time=float(step), step=step, value_loss=loss))
        writer.write(Episode(time=float(step), episode=step, reward=step / 2, length=1, parameters={"mode": "spline"}))
    return writer.finish(Header(run_id="ppo-1", started=1.0, status="completed"))


class Failing(Exporter):
    def export(self, source: Source, target: Path) -> None:
        target.write_text(source.header.run_id)
        raise OSError(28, "No space left on device")


def test_the_suffix_determines_the_format(run: Run, tmp_path: Path) -> None:
    """The suffix of the path determines the format, regardless of case."""
    path = export_run(run, tmp_path / "a.JSON")
    assert json.loads(path.read_text())["header"]["run_id"] == "ppo-1"


def test_an_unknown_suffix_is_refused_with_the_known_ones(run: Run, tmp_path: Path) -> None:
    """The error lists the known suffixes and format names."""
    with pytest.raises(ExportError, match=r"run\.xlsx: unknown format\. .*\.csv.*parquet"):
        export_run(run, tmp_path / "run.xlsx")


@pytest.mark.parametrize(
    ("options", "reason"),
    [({"format": "xls"}, "unknown format 'xls'. Installed formats: "), ({"streams": ["a"]}, "'a'")],
)
def test_unknown_names_are_in_the_error(run: Run, tmp_path: Path, options: dict[str, Any], reason: str) -> None:
    """An unknown format or stream is refused with its name."""
    with pytest.raises(ExportError, match=reason):
        export_run(run, tmp_path / "run.json", **options)


def test_an_export_that_fails_leaves_nothing(run: Run, tmp_path: Path) -> None:
    """An export that fails leaves no files, and an existing file stays unchanged."""
    path = tmp_path / "out" / "run.json"
    path.parent.mkdir()
    path.write_text("before")
    with pytest.raises(ExportError, match=r"run\.json cannot be written: No space left"):
        export_run(run, path, format=Failing(), overwrite=True)
    assert [(each.name, each.read_text()) for each in path.parent.iterdir()] == [("run.json", "before")]


def test_a_folder_that_is_not_an_export_is_never_replaced(run: Run, tmp_path: Path) -> None:
    """Such a folder is refused even with `overwrite=True`."""
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(ExportError, match="not an export"):
        export_run(run, home, format="csv", overwrite=True)


def test_a_single_file_holds_one_stream(run: Run, tmp_path: Path) -> None:
    """A file holds the selected stream, and several streams are refused."""
    path = export_run(run, tmp_path / "updates.csv", streams=["updates"])
    assert len(path.read_text().splitlines()) == 1 + len(LOSSES)
    with pytest.raises(ExportError, match="holds one stream, got episodes, updates"):
        export_run(run, tmp_path / "both.csv", streams=["episodes", "updates"])


def test_progress_is_reported_to_the_end(run: Run, tmp_path: Path) -> None:
    """The last call reports all records as written."""
    told: list[tuple[int, int]] = []
    export_run(run, tmp_path / "a.jsonl", progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (10, 10)


def test_the_default_path_is_in_the_artifact_folder_of_the_run(run: Run) -> None:
    """Exports without a path go to the artifact folder of the run."""
    assert export_path(run, "pandas") == run.path / "artifacts" / "exports" / "ppo-1.pkl"
    assert export_path(run, "wandb").name == "ppo-1-wandb"


@pytest.mark.parametrize(
    ("name", "module"), [("pandas", "pandas"), ("arrow", "pyarrow"), ("tensorboard", "tensorboard")]
)
def test_a_missing_package_is_named_with_its_extra(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra before anything is written."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: None if wanted == module else found(wanted))
    with pytest.raises(MissingExtraError, match=rf"rlvitals\[{name}\]"):
        make_exporter(name)


def test_abandoned_branches_are_kept_on_request(tmp_path: Path) -> None:
    """With `abandoned=True`, the imported run has both branches."""
    run = made_run(tmp_path, "rewound")
    back = import_run(export_run(run, tmp_path / "all.json", abandoned=True), tmp_path)
    for abandoned in (False, True):
        found, wanted = ({"episodes": list(each.records("episodes", abandoned=abandoned))} for each in (back, run))
        assert texts(found) == texts(wanted)
    assert plain(back.header) == plain(run.header)


def test_json_is_strict(run: Run, tmp_path: Path) -> None:
    """Non-finite numbers are texts, and missing values are left out."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    document = json.loads(export_run(run, tmp_path / "a.json").read_text(), parse_constant=refuse)
    assert [each.get("value_loss") for each in document["streams"]["updates"]] == [
        0.5, "NaN", "Infinity", "-Infinity", None
    ]  # fmt: skip


def test_csv_is_read_by_pandas(run: Run, tmp_path: Path) -> None:
    """pandas reads dict entries as columns."""
    frame = pd.read_csv(export_run(run, tmp_path / "a.csv"))
    assert list(frame["parameters.mode"]) == ["spline"] * 5


def test_csv_puts_excess_columns_into_one(tmp_path: Path) -> None:
    """Dict entries beyond the column limit are kept as JSON in one column."""
    writer = RunWriter(tmp_path, "wide")
    said: dict[str, float | bool | str] = {f"k{number}": number for number in range(MAX_KEYS + 3)}
    writer.write(Episode(time=1.0, episode=0, reward=0.0, length=1, extra=said))
    path = export_run(writer.finish(Header(run_id="wide", started=1.0)), tmp_path / "wide.csv")
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert json.loads(row["extra_rest"]) == {"k500": 500, "k501": 501, "k502": 502}
    assert next(import_run(path, tmp_path / "back").records("episodes")).extra == said


def test_pandas_keeps_missing_values_and_nan_distinct(run: Run, tmp_path: Path) -> None:
    """A missing value is `NA`, and NaN is a number."""
    frame = pd.read_pickle(export_run(run, tmp_path / "a.pkl"))["updates"]  # noqa: S301 - written on the previous line
    assert list(frame["value_loss"].isna()) == [False, False, False, False, True]
    assert math.isnan(frame["value_loss"].array[1])
    chosen = pd.read_pickle(export_run(run, tmp_path / "b.pkl", streams=["updates"]))  # noqa: S301 - written here
    assert chosen.attrs["header"]["run_id"] == "ppo-1"


def test_parquet_and_arrow_are_read_by_polars_and_pyarrow(run: Run, tmp_path: Path) -> None:
    """Both libraries read NaN, infinities, null and structs."""
    parquet = pl.read_parquet(export_run(run, tmp_path / "updates.parquet", streams=["updates"]))["value_loss"]
    assert [parquet.is_null().sum(), parquet.is_nan().sum(), parquet.is_infinite().sum()] == [1, 1, 2]
    arrow = feather.read_table(export_run(run, tmp_path / "episodes.feather"))
    assert arrow["parameters"].to_pylist() == [{"mode": "spline"}] * 5


def test_databases_are_read_by_their_own_libraries(run: Run, tmp_path: Path) -> None:
    """SQLite has no NaN, so it reads NaN as a text."""
    with contextlib.closing(sqlite3.connect(export_run(run, tmp_path / "a.sqlite"))) as database:
        losses = [loss for (loss,) in database.execute("SELECT value_loss FROM updates ORDER BY step")]
        modes = database.execute("SELECT DISTINCT parameters ->> 'mode' FROM episodes").fetchall()
    assert (losses, modes) == ([0.5, "NaN", math.inf, -math.inf, None], [("spline",)])
    with duckdb.connect(export_run(run, tmp_path / "a.duckdb")) as database:
        found = database.execute("SELECT sum(reward), parameters.mode FROM episodes GROUP BY ALL").fetchall()
    assert found == [(5.0, "spline")]


def test_tensorboard_reads_the_exported_events(run: Run, tmp_path: Path) -> None:
    """The export is a folder for `--logdir`."""
    folder = export_run(run, tmp_path / "tb", format="tensorboard")
    events = EventAccumulator(str(folder)).Reload()
    assert [event.value for event in events.Scalars("episode/reward")] == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_every_format_is_documented() -> None:
    """The documentation lists all exporters and their suffixes."""
    page = (Path(__file__).parents[4] / "docs" / "reference" / "formats.md").read_text()
    section = page.split("## Exporting")[1].split("\n## ")[0]
    for name in exporter_names():
        assert f"| `{name}` |" in section
        assert all(f"`{ending}`" in section for ending in make_exporter(name).endings)


FORMULAS = (
    "=cmd|'/c calc'!A0",
    "+1+2",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\uff1d1",
    '=HYPERLINK("http://x","y")',
)
OTHERS = ("a=b", "text", "'quoted", "-5", "-1e-3", "-Infinity", "", "7")


def recorded_texts(logs: Path) -> Run:
    writer = RunWriter(logs, "texts")
    for text in (*FORMULAS, *OTHERS):
        parameters: dict[str, float | bool | str] = {"x": text, "y": -2}
        writer.write(Episode(time=1.0, episode=0, reward=-1.5, length=3, category=text, parameters=parameters))
    return writer.finish(Header(run_id="texts", started=1.0, status="completed"))


def columns_of(path: Path) -> dict[str, list[str]]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_csv_for_spreadsheets_has_no_formulas(tmp_path: Path) -> None:
    """Texts that start like a formula get an apostrophe, and numbers stay unchanged."""
    run = recorded_texts(tmp_path)
    found = columns_of(export_run(run, tmp_path / "episodes.csv", format=CsvExporter(excel=True)))

    assert found["category"] == [*(f"'{text}" for text in FORMULAS), *OTHERS]
    assert set(found["reward"]) == {"-1.5"}
    assert set(found["parameters.y"]) == {"-2"}
    assert [text for text in found["parameters.x"] if text[:1] in {*"=+-@\t\r\n "}] == ["-Infinity"]


def test_csv_is_exact_by_default(tmp_path: Path) -> None:
    """Texts are the same after export and import."""
    run = recorded_texts(tmp_path)
    back = import_run(export_run(run, tmp_path / "tables", format="csv"), tmp_path / "logs")

    assert [one.category for one in back.records("episodes")] == [*FORMULAS, *OTHERS]
