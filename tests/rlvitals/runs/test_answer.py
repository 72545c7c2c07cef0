"""SQL queries over one run and over several runs."""

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pytest

from rlvitals import RecorderSettings, TrainingMonitor, open_run, open_runs
from rlvitals.errors import QueryError, RunFormatError
from rlvitals.runs import Run
from rlvitals.runs.answer import query
from rlvitals.runs.sealing import seal

QUIET = RecorderSettings(system_interval_s=None)


def recorded(folder: Path, name: str, rewards: list[float], *, sealed: bool = False, speckle: float = 1) -> Run:
    with TrainingMonitor(folder, session_name=name, settings=QUIET) as monitor:
        for number, reward in enumerate(rewards):
            monitor.log_episode(
                number, reward, 5, category="ab"[number % 2], env_step=number, parameters={"speckle": speckle}
            )
    run = open_run(folder / name)
    if sealed:
        seal(run.layout.stream("episodes") / "000001.jsonl")
    return run


def test_the_query_in_the_readme_returns_mean_rewards_by_category(tmp_path: Path) -> None:
    """The example query groups episodes by category."""
    run = recorded(tmp_path, "run", [1, 2, 3, 4])

    assert run.sql("select category, avg(reward) from episodes group by 1 order by 1").rows() == [
        ("a", 2.0),
        ("b", 3.0),
    ]


@pytest.mark.parametrize(
    "sql", ["SELECT range AS n FROM range(1_000_000_000_000)", "FROM range(100) t(n) ORDER BY n -- a"]
)
def test_only_the_wanted_rows_are_computed(tmp_path: Path, sql: str) -> None:
    """A query without end has first rows too, and the order stays."""
    run = recorded(tmp_path, "run", [1])

    assert query(run, sql, 3).rows() == [(0,), (1,), (2,)]


def test_dict_entries_can_be_queried_by_name(tmp_path: Path) -> None:
    """A dict entry is a column in sealed and in open segments."""
    asked = "select sum(parameters.speckle) as speckle from episodes"

    assert recorded(tmp_path, "open", [1, 2], speckle=2.5).sql(asked).rows() == [(5.0,)]
    assert recorded(tmp_path, "sealed", [1, 2], speckle=2.5, sealed=True).sql(asked).rows() == [(5.0,)]


def test_timestamps_are_in_utc_and_do_not_need_pytz(tmp_path: Path) -> None:
    """Timestamps have no time zone; nested timestamps are text. DuckDB would need pytz and use the local time zone."""
    asked = (
        "select to_timestamp(1700000000.5) as moment, [moment] as many, 'infinity'::timestamptz as never from episodes"
    )
    ((at, many, never),) = recorded(tmp_path, "run", [1.0]).sql(asked).rows()

    assert at == dt.datetime.fromtimestamp(1_700_000_000.5, dt.UTC).replace(tzinfo=None)
    assert "2023-11-14" in many
    assert never is None


def test_several_runs_are_queried_as_one_table(tmp_path: Path) -> None:
    """Rows of sealed and open segments with different types are combined, and the column `run` names the run."""
    recorded(tmp_path, "one", [1, 2], sealed=True, speckle=1)
    recorded(tmp_path, "two", [5], speckle=1.5)
    recorded(tmp_path / "below", "three", [math.nan])

    found = open_runs(tmp_path).sql(
        "select run, count(*) as n, sum(parameters.speckle) s from episodes group by 1 order by 1"
    )

    assert found.names == ("run", "n", "s")
    assert found.rows() == [("below/three", 1, 1.0), ("one", 2, 2.0), ("two", 1, 1.5)]


def test_abandoned_branches_are_left_out_of_their_run_only(tmp_path: Path) -> None:
    """A rewind of one run does not hide rows of another run."""
    recorded(tmp_path, "plain", [1, 2, 3])
    with TrainingMonitor(tmp_path, session_name="rewound", settings=QUIET) as monitor:
        for number in range(3):
            monitor.log_episode(number, 0.0, 1, env_step=number)
        monitor.rewind(env_step=0)

    found = open_runs(tmp_path).sql("select run, count(*) from episodes group by 1 order by 1")

    assert found.rows() == [("plain", 3), ("rewound", 1)]


def test_an_answer_converts_to_other_formats(tmp_path: Path) -> None:
    """Rows, dicts, NumPy, pandas, polars and Arrow have the same values, and distinguish NaN from missing values."""
    found = recorded(tmp_path, "run", [math.nan, 1.0]).sql(
        "from episodes select reward, quality_final order by episode"
    )

    assert len(found) == 2
    assert np.isnan(found.numpy()["reward"][0])
    assert np.ma.getmaskarray(found["quality_final"]).all()
    assert [row["quality_final"] for row in found] == [None, None]
    assert found.pandas()["reward"].tolist()[1] == found.polars()["reward"][1] == 1.0
    assert found.arrow()["quality_final"].null_count == 2
    assert found.rows()[1] == (1.0, None)


@pytest.mark.parametrize("asked", ["describe episodes", "summarize episodes", "with e as (from episodes) from e;"])
def test_every_kind_of_read_only_statement_is_accepted(tmp_path: Path, asked: str) -> None:
    """Any statement that returns a table is a valid query."""
    assert len(recorded(tmp_path, "run", [1.0]).sql(asked)) >= 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("selct 1", "syntax error"),
        ("select rewrad from episodes", "reward"),
        ("from nowhere", "nowhere does not exist! The tables are episodes, updates"),
        ("select 1; select 2", "a query must be one statement, got 2"),
        ("", "a query must be one statement, got 0"),
        ("copy (select 1) to 'stolen.csv'", "only read-only queries are allowed, got COPY"),
        ("select cast(category as int) from episodes", "Could not convert"),
    ],
)
def test_an_invalid_query_is_refused_with_the_reason(tmp_path: Path, asked: str, said: str) -> None:
    """The reason is one line, and a statement that writes is not executed."""
    with pytest.raises(QueryError, match=said) as caught:
        recorded(tmp_path, "run", [1.0]).sql(asked)
    assert "\n" not in str(caught.value)
    assert not Path("stolen.csv").exists()


def test_the_damaged_run_among_many_is_named(tmp_path: Path) -> None:
    """The error of a query over several runs names the run that has the damaged segment."""
    recorded(tmp_path, "fine", [1.0])
    bad = recorded(tmp_path, "hurt", [1.0], sealed=True)
    segment = bad.layout.stream("episodes") / "000001.parquet"
    segment.write_bytes(segment.read_bytes()[:40])

    with pytest.raises(RunFormatError, match="hurt"):
        open_runs(tmp_path).sql("select sum(reward) from episodes")


def test_a_query_over_no_runs_returns_no_rows(tmp_path: Path) -> None:
    """An empty folder can be queried too."""
    assert open_runs(tmp_path).sql("select count(*) from episodes").rows() == [(0,)]
    assert open_runs(tmp_path)[:1].sql("select run from updates").rows() == []


@pytest.mark.parametrize(
    "asked", ["select 1 as n -- a comment", "-- first\nselect 1 as n", "select 1 as n;", "select 1 as n /* so */"]
)
def test_a_query_can_have_comments(tmp_path: Path, asked: str) -> None:
    """Comments are allowed anywhere, also at the end."""
    assert recorded(tmp_path, "run", [1]).sql(asked).rows() == [(1,)]


@pytest.mark.parametrize(
    "asked",
    [
        "select count(*) from episodes, read_csv('/no/such.csv')",
        "select * from read_csv('/no/such.csv')",
        "select category::int from episodes",
        "select '\ud800'",
    ],
)
def test_a_failing_query_is_not_reported_as_a_damaged_run(tmp_path: Path, asked: str) -> None:
    """Files that the query names and its own casts cause a query error."""
    with pytest.raises(QueryError):
        recorded(tmp_path, "run", [1]).sql(asked)


def test_a_damaged_page_is_not_reported_as_a_query_error(tmp_path: Path) -> None:
    """A damaged page is detected even if the footer of the file is intact."""
    run = recorded(tmp_path, "run", [float(number) for number in range(100)], sealed=True)
    segment = run.layout.stream("episodes") / "000001.parquet"
    content = segment.read_bytes()
    segment.write_bytes(content[:4] + b"\xff" * 300 + content[304:])

    with pytest.raises(RunFormatError, match="run"):
        run.sql("select sum(time), sum(episode) from episodes")
