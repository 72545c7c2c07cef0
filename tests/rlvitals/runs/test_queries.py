"""Queries over streams as SQL tables."""

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb
import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.errors import RunFormatError
from rlvitals.records import STREAMS
from rlvitals.runs import Run
from rlvitals.runs.queries import ask, ask_in_parts, last_records
from rlvitals.runs.sealing import seal
from rlvitals.runs.sql_columns import database
from rlvitals.runs.totals import totals

QUIET = RecorderSettings(system_interval_s=None)


def cut(run: Run, stream: str, *, sealing: Collection[int] = ()) -> Run:
    """Split a stream into segments of ten records, and seal the segments with the given numbers."""
    whole = run.layout.stream(stream) / "000001.jsonl"
    lines = whole.read_bytes().splitlines(keepends=True)
    for number, begin in enumerate(range(0, len(lines), 10), start=1):
        segment = whole.with_stem(f"{number:06d}")
        segment.write_bytes(b"".join(lines[begin : begin + 10]))
        if number in sealing:
            seal(segment)
    return run


def recorded(folder: Path, episodes: int, **given: object) -> Run:
    """Return a finished run with one open segment."""
    fields: dict[str, Any] = dict(given)
    with TrainingMonitor(folder, session_name="run", settings=QUIET) as monitor:
        for number in range(episodes):
            monitor.log_episode(number, reward=number / 2, length=number, env_step=10 * number, **fields)
    return Run(folder / "run")


def rewound(folder: Path) -> Run:
    """Return a run with 20 episodes, a rewind to step 100, and 5 more episodes."""
    with TrainingMonitor(folder, session_name="run", settings=QUIET) as monitor:
        for number in range(20):
            monitor.log_episode(number, reward=0.0, length=1, env_step=10 * number)
        monitor.rewind(env_step=100)
        for number in range(11, 16):
            monitor.log_episode(number, reward=1.0, length=1, env_step=10 * number)
    return Run(folder / "run")


def rows(run: Run, sql: str, *streams: str) -> list[tuple[Any, ...]]:
    return ask(run, lambda tables: tables.execute(sql).fetchall(), *streams)


@pytest.mark.parametrize("sealing", [(), (1, 2, 3), (1, 2, 3, 4), (2,), (1, 3)])
def test_sealed_and_open_segments_are_one_table_in_order(tmp_path: Path, sealing: tuple[int, ...]) -> None:
    """The rows have the order in which they were written for any combination of segments."""
    run = cut(recorded(tmp_path, 35), "episodes", sealing=sealing)

    assert rows(run, "SELECT episode FROM episodes", "episodes") == [(number,) for number in range(35)]
    assert [record.episode for record in last_records(run, "episodes", 35)] == list(range(35))


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_without_records_is_an_empty_table(tmp_path: Path, stream: str) -> None:
    """A stream can be queried even if it has no records."""
    run = recorded(tmp_path, 0)
    (run.layout.stream("events") / "000001.jsonl").unlink()

    assert ask(run, lambda tables: tables.sql(f'FROM "{stream}"').fetchall(), stream) == []


def test_sql_distinguishes_non_finite_and_missing_values(tmp_path: Path) -> None:
    """NaN, both infinities and missing are four different values in sealed and open segments."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        for number in range(14):
            value = (math.nan, math.inf, -math.inf, None)[number % 4]
            monitor.log_training_step(step=number, value_loss=value)
    run = cut(Run(tmp_path / "run"), "updates", sealing=[1])
    asked = "SELECT value_loss::VARCHAR, count(*) FROM updates GROUP BY ALL ORDER BY ALL"

    assert rows(run, asked, "updates") == [("-inf", 3), ("inf", 4), ("nan", 4), (None, 3)]


def test_abandoned_branches_are_left_out(tmp_path: Path) -> None:
    """SQL, totals, last records and the records agree on the records that are not abandoned."""
    run = rewound(tmp_path)
    expected = list(range(16))

    assert [row[0] for row in rows(run, "SELECT episode FROM episodes", "episodes")] == expected
    assert [record.episode for record in last_records(run, "episodes", 100)] == expected
    assert [record.episode for record in run.records("episodes")] == expected
    assert totals(run).episodes == len(expected)


def test_the_last_records_equal_the_end_of_all_records(tmp_path: Path) -> None:
    """Reading from the end and from the start returns the same records, including dicts and nested values."""
    given: dict[str, Any] = {
        "parameters": {"a": 1, "b": "x"},
        "reward_parts": {"size": math.nan},
        "info": {"deep": [1, {"er": None}]},
    }
    run = cut(recorded(tmp_path, 35, **given), "episodes", sealing=[1, 2, 3])
    everything = list(run.records("episodes"))

    for count in (0, 1, 4, 5, 6, 35, 99):
        assert repr(last_records(run, "episodes", count)) == repr(everything[len(everything) - min(count, 35) :])


def test_a_key_with_two_types_is_read_unchanged_from_the_end(tmp_path: Path) -> None:
    """Values that a sealed segment keeps in JSON are restored to their dict."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        for number in range(12):
            monitor.log_episode(number, 0.0, 1, mixed="text" if number % 2 else number)
    run = cut(Run(tmp_path / "run"), "episodes", sealing=[1, 2])

    assert last_records(run, "episodes", 12) == list(run.records("episodes"))


def test_an_empty_dict_is_read_unchanged_from_the_end(tmp_path: Path) -> None:
    """A segment has no column for a dict field that is empty in all records."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        for _ in range(12):
            monitor.log_metrics("nothing", {})
    run = cut(Run(tmp_path / "run"), "scalars", sealing=[1, 2])

    assert [record.values for record in last_records(run, "scalars", 12)] == [{}] * 12


def test_one_connection_can_be_used_for_several_runs(tmp_path: Path) -> None:
    """The views of one run do not conflict with those of another."""
    runs = [cut(recorded(tmp_path / name, count), "episodes", sealing=[1]) for name, count in (("a", 12), ("b", 15))]
    with database() as connection:
        counted = [totals(run, connection=connection).episodes for run in runs]
        last = [last_records(run, "episodes", 3, connection=connection)[-1].episode for run in runs]

    assert (counted, last) == ([12, 15], [11, 14])


@pytest.mark.parametrize(
    "torn", [b"", b'{"time"', b'{"time":1,"episode":9,"reward":1.0,"length":1}', b"\n\nnonsense\n"]
)
def test_a_torn_tail_is_skipped_when_reading_from_the_end(tmp_path: Path, torn: bytes) -> None:
    """An incomplete or invalid line is not a record."""
    run = recorded(tmp_path, 3)
    with (run.layout.stream("episodes") / "000001.jsonl").open("ab") as file:
        file.write(torn)

    assert [record.episode for record in last_records(run, "episodes", 2)] == [1, 2]


def test_lines_longer_than_a_block_are_read_whole_from_the_end(tmp_path: Path) -> None:
    """The end is read in blocks, whose boundaries have no effect on the records."""
    run = recorded(tmp_path, 5, info={"long": ["x" * 900] * 900})

    assert last_records(run, "episodes", 4) == list(run.records("episodes"))[1:]


def test_a_query_is_repeated_if_a_segment_is_sealed_meanwhile(tmp_path: Path) -> None:
    """The segments of a live run can change during a query without an error."""
    run = recorded(tmp_path, 5)
    lines = run.layout.stream("episodes") / "000001.jsonl"

    def counted(tables: duckdb.DuckDBPyConnection) -> object:
        if lines.exists():
            seal(lines)
        return tables.execute("SELECT count(*) FROM episodes").fetchone()

    assert ask(run, counted, "episodes") == (5,)


def test_a_damaged_segment_is_refused_in_one_line(tmp_path: Path) -> None:
    """The error has the first line of the DuckDB message."""
    run = cut(recorded(tmp_path, 12), "episodes", sealing=[1])
    (run.layout.stream("episodes") / "000001.parquet").write_bytes(b"PAR1 but nothing else PAR1")

    with pytest.raises(RunFormatError, match=r"run cannot be read: [^\n]+$"):
        rows(run, "SELECT count(*) FROM episodes", "episodes")
    with pytest.raises(RunFormatError, match=r"run cannot be read: [^\n]+$"):
        last_records(run, "episodes", 12)


@pytest.mark.parametrize(("most_rows", "parts"), [(1, 4), (20, 3), (1_000, 1)])
def test_a_stream_is_queried_in_parts_in_its_order(tmp_path: Path, most_rows: int, parts: int) -> None:
    """The parts include sealed and open segments, and each part has at least one segment."""
    run = cut(recorded(tmp_path, 35), "episodes", sealing=(1, 3))
    question = "SELECT episode FROM episodes"
    found = list(ask_in_parts(run, lambda tables: tables.execute(question).fetchall(), "episodes", most_rows=most_rows))

    assert len(found) == parts
    assert [row[0] for part in found for row in part] == list(range(35))


def test_a_path_that_starts_with_two_slashes_has_the_same_parent_folder(tmp_path: Path) -> None:
    """POSIX distinguishes `//` from `/`; a table of several runs does not."""
    for name in ("a", "b"):
        recorded(tmp_path / name, 3)
    runs = [Run(f"/{tmp_path}/a/run"), Run(tmp_path / "b" / "run")]
    found = ask(
        runs, lambda tables: tables.execute("SELECT DISTINCT run FROM episodes ORDER BY 1").fetchall(), "episodes"
    )

    assert found == [("a/run",), ("b/run",)]
