"""CSV files, read back with Python's `csv` module and DuckDB."""

import csv
import json
import logging
import math
from pathlib import Path
from typing import Any

import duckdb
import pytest

from rlvitals import TrainingMonitor
from rlvitals.records import Episode, Event, PolicyUpdate, Record, Scalars
from rlvitals.sinks import CsvSink, Sink, SinkContext
from rlvitals.sinks import csv_sink as csv_module
from rlvitals.testing.sinks import SinkContract


class TestContract(SinkContract):
    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_sink(self) -> Sink:
        return CsvSink(self.folder)


def write(folder: Path, *records: Record) -> None:
    sink = CsvSink(folder)
    for record in records:
        sink.write(record)
    sink.close()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def scalars(step: int, **values: Any) -> Scalars:
    return Scalars(time=1.0, step=step, category="mine", values=values)


def test_each_stream_has_a_file_and_each_field_a_column(tmp_path: Path) -> None:
    """Flat dicts have one column per entry, nested values are JSON, and missing values are empty cells."""

    episode = Episode(
        time=2.0, episode=0, reward=1.5, length=10, success=True, parameters={"mode": "spline"}, info={"sizes": [1, 2]}
    )
    write(tmp_path, episode, Event(time=3.0, kind="note", message="hello"))
    assert {path.name for path in tmp_path.iterdir()} == {"episodes.csv", "events.csv"}
    (row,) = rows(tmp_path / "episodes.csv")
    assert (row["time"], row["reward"], row["length"], row["success"]) == ("2.0", "1.5", "10", "true")
    assert (row["parameters.mode"], json.loads(row["info"])) == ("spline", {"sizes": [1, 2]})
    assert row["env_step"] == row["category"] == ""


def test_a_row_is_in_the_file_when_write_returns(tmp_path: Path) -> None:
    """A reader sees the row immediately."""

    sink = CsvSink(tmp_path)
    sink.write(scalars(1, a=1))
    assert len(rows(tmp_path / "scalars.csv")) == 1
    sink.close()


def test_a_new_column_keeps_all_rows(tmp_path: Path) -> None:
    """Earlier rows get an empty cell, and later rows keep their values."""

    write(tmp_path, scalars(1, a=1), scalars(2, b="x,y"), scalars(3, a=3, b='"', c=0.5), scalars(4))
    found = rows(tmp_path / "scalars.csv")
    assert [(row["step"], row["values.a"], row["values.b"], row["values.c"]) for row in found] == [
        ("1", "1", "", ""),
        ("2", "", "x,y", ""),
        ("3", "3", '"', "0.5"),
        ("4", "", "", ""),
    ]


@pytest.mark.parametrize("text", ["", " ", "a,b", 'say "a"', "two\nlines", "\r", "ünïcødé 🙂", '"', "x\n,\ny", "NaN"])
def test_texts_are_read_back_unchanged(tmp_path: Path, text: str) -> None:
    """This also holds when the file is rewritten for a new column."""

    write(tmp_path, Event(time=1.0, kind=text, message=text), Event(time=2.0, kind="k", message="m", data={"a": text}))
    write(tmp_path, Scalars(time=1.0, step=1, category=text, values={}), scalars(2, late=1))
    first, second = rows(tmp_path / "events.csv")
    assert first["kind"] == first["message"] == text
    assert json.loads(second["data"]) == {"a": text}
    assert [row["category"] for row in rows(tmp_path / "scalars.csv")] == [text, "mine"]


def test_non_finite_missing_and_empty_values_are_distinct(tmp_path: Path) -> None:
    """DuckDB reads NaN and infinities as such, missing values as NULL, and empty strings as empty strings."""

    losses = (math.nan, math.inf, -math.inf, None)
    write(tmp_path, *(PolicyUpdate(time=1.0, step=n, value_loss=loss) for n, loss in enumerate(losses)))
    write(tmp_path, scalars(1, note=""), scalars(2, other=1))
    updates, notes = tmp_path / "updates.csv", tmp_path / "scalars.csv"
    read = duckdb.execute(f"select value_loss from '{updates}' order by step").fetchall()  # noqa: S608
    assert math.isnan(read[0][0])
    assert read[1:] == [(math.inf,), (-math.inf,), (None,)]
    assert [line.split(",")[-2] for line in notes.read_text().splitlines()[1:]] == ['""', ""]


def test_rows_with_repeated_or_lower_steps_are_kept(tmp_path: Path) -> None:
    """They are in the order in which they were logged."""

    steps = [5, 5, 7, 3, 5]
    write(tmp_path, *(scalars(step, place=n) for n, step in enumerate(steps)))
    found = [(int(row["step"]), int(row["values.place"])) for row in rows(tmp_path / "scalars.csv")]
    assert found == [(step, n) for n, step in enumerate(steps)]


def test_a_resumed_run_appends(tmp_path: Path) -> None:
    """The existing columns are used, and new ones are added."""

    write(tmp_path, scalars(1, a=1, b=2))
    write(tmp_path, scalars(2, b=4, c=5))
    found = rows(tmp_path / "scalars.csv")
    assert [(row["values.a"], row["values.b"], row["values.c"]) for row in found] == [("1", "2", ""), ("", "4", "5")]


def test_an_incomplete_row_is_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """For a file that ends at any byte, complete rows are kept, and the number of removed bytes is logged."""

    path = tmp_path / "events.csv"
    write(tmp_path, Event(time=1.0, kind="k", message="first"))
    whole = path.read_bytes()
    write(tmp_path, Event(time=2.0, kind="k", message='two\nlines, "quoted"', data={"a": "b"}))
    torn = path.read_bytes()
    for end in range(len(whole) + 1, len(torn)):
        path.write_bytes(torn[:end])
        with caplog.at_level(logging.WARNING, "rlvitals"):
            write(tmp_path, Event(time=3.0, kind="k", message="next"))
        assert [row["message"] for row in rows(path)] == ["first", "next"]
        assert f"removed an incomplete last row ({end - len(whole)} bytes)" in caplog.messages[-1]


def test_values_beyond_the_column_limit_go_into_one_column(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new name in each step neither loses data nor rewrites the file each time."""

    monkeypatch.setattr(csv_module, "MAX_COLUMNS", 10)
    write(tmp_path, *(scalars(n, **{f"name {n}": n, "text": f"a,{n}"}) for n in range(30)))
    found = rows(tmp_path / "scalars.csv")
    assert len(found[0]) == 11
    for n, row in enumerate(found):
        said = {name: value for name, value in row.items() if name.startswith("values.") and value}
        said |= json.loads(row["more"]) if row["more"] else {}
        assert said == {f"values.name {n}": str(n), "values.text": f"a,{n}"}


def test_the_files_are_in_the_run_folder_by_default(tmp_path: Path, context: SinkContext) -> None:
    """Without a path the sink writes to `artifacts/csv`, otherwise to the given folder."""

    sink, elsewhere = CsvSink(), CsvSink(tmp_path / "here")
    for each in (sink, elsewhere):
        each.begin(context)
        each.write(scalars(1, a=1))
        each.close()
    assert (context.artifacts / "csv" / "scalars.csv").exists()
    assert (tmp_path / "here" / "scalars.csv").exists()


def test_a_monitor_creates_the_sink_by_name(tmp_path: Path) -> None:
    """`sinks=["csv"]` is sufficient, and a resumed run appends to the same files."""

    for resume in ("never", "must"):
        with TrainingMonitor(tmp_path, session_name="a", sinks=["csv"], resume=resume) as monitor:
            for episode in range(3):
                monitor.log_episode(episode, 0.5, 10, extra={f"late {episode}": 1})
        assert monitor.dropped_records().sinks == {}
    found = rows(tmp_path / "a" / "artifacts" / "csv" / "episodes.csv")
    assert [(row["episode"], row["writer"]) for row in found] == [(str(n % 3), str(1 + n // 3)) for n in range(6)]


@pytest.mark.parametrize("hard", [False, True], ids=["symbolic", "hard"])
def test_a_link_instead_of_a_file_is_not_written_through(tmp_path: Path, hard: bool) -> None:
    """The linked file is neither truncated nor extended. A hard link is replaced with a copy."""
    outside = tmp_path / "outside"
    outside.write_text("time,reward\n1.0,2")
    file = tmp_path / "csv" / "episodes.csv"
    file.parent.mkdir()
    if hard:
        file.hardlink_to(outside)
        write(file.parent, Episode(time=2.0, episode=0, reward=1.5, length=10))
    else:
        file.symlink_to(outside)
        with pytest.raises(OSError, match="Is a symbolic link"):
            write(file.parent, Episode(time=2.0, episode=0, reward=1.5, length=10))

    assert outside.read_text() == "time,reward\n1.0,2"
