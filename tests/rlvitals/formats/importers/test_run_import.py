"""Imports by file contents and by name: an import creates a complete run or none."""

import contextlib
import json
import os
import pickle
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from pyarrow import feather

from rlvitals.errors import ImportFormatError, RunNameError
from rlvitals.formats.exporters import export_run
from rlvitals.formats.importers import Importer, StoreImporter, import_run, import_runs, importer_names, make_importer
from rlvitals.formats.importers.importer import Imported
from rlvitals.formats.importers.importer_registry import format_of
from rlvitals.records import Episode
from rlvitals.runs import find_runs
from rlvitals.testing.exporters import made_run
from rlvitals.testing.importers import ImporterContract

NESTED = {
    "episode": 3,
    "reward": "NaN",
    "length": 7,
    "quality_initial": 0.25,
    "quality_final": 0.75,
    "success": True,
    "timestamp": "2026-01-02T03:04:05+00:00",
    "algorithm_metrics": {"policy_loss": -0.5},
    "performance_metrics": {"episode_time": 1.5, "memory_usage": 512.0, "cores": 4},
    "additional_info": {
        "logo_type": "text",
        "difficulty": "hard",
        "parameters_explored": {"mode": "spline"},
        "seen": [1],
    },
    "mine": 2,
}
EPISODE = Episode(
    time=1767323045.0,
    episode=3,
    reward=float("nan"),
    length=7,
    success=True,
    quality_initial=0.25,
    quality_final=0.75,
    quality_improvement=0.5,
    category="text",
    difficulty="hard",
    duration=1.5,
    memory=512.0,
    parameters={"mode": "spline"},
    algorithm={"policy_loss": -0.5},
    extra={"cores": 4, "mine": 2},
    info={"seen": [1]},
)
_COLUMNS = {
    "episode": "3",
    "reward": "NaN",
    "length": "7",
    "quality_initial": "0.25",
    "quality_final": "0.75",
    "success": "True",
    "time": "1767323045",
    "policy_loss": "-0.5",
    "episode_time": "1.5",
    "memory_usage": "512",
    "performance_metrics.cores": "4",
    "additional_info.logo_type": "text",
    "difficulty": "hard",
    "parameters_explored": '"{""mode"":""spline""}"',
    "additional_info.seen": "[1]",
    "mine": "2",
}
FLAT = f"{','.join(_COLUMNS)}\n{','.join(_COLUMNS.values())}\n"


class TestEpisodes(ImporterContract):
    def make_importer(self) -> Importer:
        return make_importer("episodes")

    def make_sample(self, folder: Path) -> Path:
        (folder / "old.jsonl").write_text(json.dumps(NESTED))
        return folder / "old.jsonl"


class _ExportContract(ImporterContract):
    target = ""

    def make_importer(self) -> Importer:
        return make_importer(self.target.rpartition(".")[2])

    def make_sample(self, folder: Path) -> Path:
        run = made_run(folder.parent / "made", "ordinary")
        return export_run(run, folder / self.target, format=self.target.rpartition(".")[2])


class TestJson(_ExportContract):
    target = "run.json"


class TestJsonLines(_ExportContract):
    target = "run.jsonl"


class TestCsv(_ExportContract):
    target = "csv"


class TestSqlite(_ExportContract):
    target = "run.sqlite"


class TestDuckdb(_ExportContract):
    target = "run.duckdb"


class TestParquet(_ExportContract):
    target = "parquet"


class TestArrow(_ExportContract):
    target = "arrow"


@pytest.mark.parametrize(("name", "content"), [("old.jsonl", json.dumps(NESTED)), ("old.csv", FLAT)])
def test_episodes_by_the_names_of_log_episode(tmp_path: Path, name: str, content: str) -> None:
    """Nested, dotted and plain names give the same episode, and unknown names are kept."""
    (tmp_path / name).write_text(content)
    run = import_run(tmp_path / name, tmp_path / "logs")

    assert repr(list(run.records("episodes"))) == repr([EPISODE])
    assert (run.run_id, run.header.status) == ("old", "completed")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", '{"episode": 1, "reward": 1, "length": 2}\n{"episode": 2, "reward": ', "line 2 is damaged"),
        ("a.jsonl", '{"episode": 1, "reward": "a lot", "length": 2}\n', "line 1: Episode 1: reward must be a number"),
        ("a.csv", "episode,reward,length\n1,2\n", "line 2: 2 cells for 3 columns"),
        ("a.csv", "episode,reward,length\n1,2,-3\n", "line 2: Episode 1: length must be a whole number"),
        ("a.json", '{"format": "rlvitals-export", "version": 99}', "Upgrade with"),
        ("a.json", '{"format": "rlvitals-export", "version": 1', "is damaged"),
        ("a.sqlite", "SQLite format 3\0", "is damaged or not an export"),
        ("a.parquet", "PAR1", "is damaged or not an export"),
        ("a.pkl", "anything", "is a pickle"),
        ("a.xlsx", "anything", "has an unknown format"),
        ("a.csv", "a,b\n1,2\n", "a table of an unknown program, with the columns 'a', 'b'"),
    ],
)
def test_unreadable_files_are_refused(tmp_path: Path, name: str, content: str, reason: str) -> None:
    """The error names the file, the line and the value, and no run or partial run is left."""
    (tmp_path / name).write_text(content)
    with pytest.raises(ImportFormatError, match=reason) as refused:
        import_run(tmp_path / name, tmp_path / "logs")
    assert str(tmp_path / name) in str(refused.value)
    assert list((tmp_path / "logs").glob("*")) == []


def test_tables_of_other_programs_are_not_exports(tmp_path: Path) -> None:
    """A folder of trainings can hold data sets, which are not runs."""
    with duckdb.connect(tmp_path / "data.duckdb") as database:
        database.execute("CREATE TABLE points AS SELECT 1 AS x")
        database.execute(f"COPY points TO '{tmp_path / 'data.parquet'}'")
    with contextlib.closing(sqlite3.connect(tmp_path / "data.db")) as other:
        other.execute("CREATE TABLE points (x INTEGER)")
    feather.write_feather(pd.DataFrame({"x": [1]}), tmp_path / "data.arrow")

    for file in tmp_path.iterdir():
        with pytest.raises(ImportFormatError, match="unknown format"):
            format_of(file)


def test_a_pickle_is_refused_without_loading_it(tmp_path: Path) -> None:
    """Pickles are refused because loading one could run code."""
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"episodes": []}))
    with pytest.raises(ImportFormatError, match="could run code when loaded"):
        import_run(tmp_path / "a.pkl", tmp_path / "logs")


@pytest.mark.parametrize("target", ["a.jsonl", "csv"])
def test_a_truncated_export_is_refused(tmp_path: Path, target: str) -> None:
    """Exports truncated within or between records are refused."""
    path = export_run(made_run(tmp_path / "logs", "ordinary"), tmp_path / target, format=target.removeprefix("a."))
    file = path / "scalars.csv" if path.is_dir() else path
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(ImportFormatError, match="the export is incomplete"):
        import_run(path, tmp_path / "back")
    file.write_bytes(b"".join(lines)[:-3])
    with pytest.raises(ImportFormatError, match=r"line \d+"):
        import_run(path, tmp_path / "back")


def test_a_name_in_use_gets_a_number(tmp_path: Path) -> None:
    """An import never overwrites a run."""
    run = made_run(tmp_path, "empty")
    path = export_run(run, tmp_path / "a.json")

    assert [import_run(path, tmp_path).run_id for _ in range(2)] == ["empty-2", "empty-3"]
    assert import_run(path, tmp_path, name="mine").header.run_id == "mine"
    with pytest.raises(RunNameError):
        import_run(path, tmp_path, name="a/b")


def test_a_partial_run_is_not_found(tmp_path: Path) -> None:
    """The folder that a killed import leaves is hidden and does not count as a run."""
    made_run(tmp_path, "empty").path.rename(tmp_path / ".run.1.tmp")
    assert find_runs(tmp_path) == ([], [])


def test_a_run_is_not_imported(tmp_path: Path) -> None:
    """A run folder is refused because it needs no import."""
    with pytest.raises(ImportFormatError, match="is already a run folder"):
        import_run(made_run(tmp_path, "empty").path, tmp_path)


def test_every_format_is_documented() -> None:
    """The documentation lists all importers."""
    page = (Path(__file__).parents[4] / "docs" / "reference" / "formats.md").read_text()
    section = page.split("## Importing")[1].split("\n## ")[0]
    assert [name for name in importer_names() if f"`{name}`" not in section] == []


def test_a_database_with_a_view_is_refused(tmp_path: Path) -> None:
    """A view is refused because its query could read any file."""
    exported = export_run(made_run(tmp_path, "ordinary"), tmp_path / "run.duckdb")
    (tmp_path / "secret.txt").write_text("open sesame")
    with duckdb.connect(exported) as database:
        database.execute("DROP TABLE events")
        database.execute(f"CREATE VIEW events AS FROM read_text('{tmp_path / 'secret.txt'}')")

    with pytest.raises(ImportFormatError, match="has the view 'events'"):
        import_run(exported, tmp_path / "logs")


def test_a_database_behind_a_link_is_imported(tmp_path: Path) -> None:
    """A symbolic link to a DuckDB file is followed, and DuckDB's log is read from the folder of the file."""
    exported = Path(export_run(made_run(tmp_path, "ordinary"), tmp_path / "run.duckdb"))
    (tmp_path / "link").symlink_to(exported)

    assert import_run(tmp_path / "link", tmp_path / "logs").header.status == "completed"


def test_an_empty_file_is_reported_as_empty(tmp_path: Path) -> None:
    file = tmp_path / "monitor.csv"
    file.touch()

    with pytest.raises(ImportFormatError, match=r"monitor\.csv is empty"):
        import_run(file, tmp_path / "logs")


def test_a_repeated_identifier_in_a_store_is_refused(tmp_path: Path) -> None:
    """One of the runs would replace the other."""

    class TwoOfOneName(StoreImporter):
        def recognises(self, path: Path) -> bool:
            return path.is_file()

        def runs_in(self, path: Path) -> Iterator[Imported]:
            for _ in range(2):
                yield Imported(path.name, iter([EPISODE]), run="1")

    (tmp_path / "store").touch()
    with pytest.raises(ImportFormatError, match="several runs with the identifier '1'"):
        import_runs(tmp_path / "store", tmp_path / "logs", format=TwoOfOneName())
    assert len(find_runs(tmp_path / "logs")[0]) == 1


def test_an_unreadable_folder_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "old.jsonl").write_text(json.dumps(NESTED))
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path / "a")  # root can read every folder

    assert len(import_runs(tmp_path, tmp_path / "logs")) == 1
    assert f"{tmp_path / 'a'} cannot be read" in caplog.text
