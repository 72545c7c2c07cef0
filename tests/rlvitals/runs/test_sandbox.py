"""Queries can read only the run folders, and cannot use other files or the network."""

import shutil
from pathlib import Path

import duckdb
import pytest

from rlvitals import RecorderSettings, TrainingMonitor, open_run, open_runs
from rlvitals.errors import QueryError
from rlvitals.runs import Run
from rlvitals.runs.sandbox import check_functions, sandbox
from rlvitals.runs.sealing import seal

DUCKDB_VERSION = tuple(map(int, duckdb.__version__.split(".")[:2]))
OUTSIDE = "open sesame"
READERS = (
    "from read_text('{file}')",
    "from read_blob('{file}')",
    "from read_csv('{file}')",
    "from read_csv(['{file}', '{file}'], header = false)",
    "from read_json('{file}')",
    "from read_ndjson_objects('{file}')",
    "from read_parquet('{file}')",
    "from parquet_schema('{file}')",
    "from parquet_metadata('{file}')",
    "from sniff_csv('{file}')",
    "from glob('{folder}/*')",
    "from '{file}'",
    'from "{file}"',
    "summarize '{file}'",
    "describe from read_text('{file}')",
    "select (select content from read_text('{file}')) from episodes",
    "with stolen as (from read_text('{file}')) from stolen, episodes",
    "from read_text('{run}/../secret.txt')",
    "from read_text('{run}/episodes/../../secret.txt')",
    "from read_text('{run}-2/secret.txt')",
    "from query('from read_text(''{file}'')')",
    "from query_table('{file}')",
    "from json_execute_serialized_sql(json_serialize_sql('from read_text(''{file}'')'))",
    "from (pivot read_text('{file}') on content using count(*))",
)
WRITERS = (
    "copy episodes to '{file}'",
    "attach '{file}' as other",
    "export database '{folder}/export'",
    "select 1; copy episodes to '{file}'",
    "from enable_logging(level := 'debug', storage := 'file', storage_config := {{'path': '{folder}/log'}})",
    "from enable_logging()",
    "select 1 where exists (from ENABLE_LOGGING /* a comment */ ())",
    'from "enable_logging"\n-- a comment\n()',
    "from truncate_duckdb_logs()",
)
SETTINGS = (
    "set enable_external_access = true",
    "reset enable_external_access",
    "set lock_configuration = false",
    "pragma enable_profiling",
    "call pragma_version()",
    "install httpfs",
    "load httpfs",
    "create secret (type http)",
)
REMOTE = (
    "from 'http://127.0.0.1:9/data.parquet'",
    "from read_csv('https://127.0.0.1:9/data.csv')",
    "from read_parquet('s3://bucket/data.parquet')",
    "from read_parquet('hf://datasets/some/data.parquet')",
    "from sqlite_scan('{file}', 'table')",
    "from postgres_scan('host=127.0.0.1', 'public', 'table')",
    "from st_read('{file}')",
    "from read_xlsx('{file}')",
    "from delta_scan('{folder}')",
    "from iceberg_scan('{folder}')",
    "select '127.0.0.1'::inet",
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with a file outside its folder."""
    with TrainingMonitor(tmp_path, session_name="run", settings=RecorderSettings(system_interval_s=None)) as monitor:
        monitor.log_episode(1, 2.0, 3)
    (tmp_path / "secret.txt").write_text(OUTSIDE)
    (tmp_path / "run-2").mkdir()
    (tmp_path / "run-2" / "secret.txt").write_text(OUTSIDE)
    return open_run(tmp_path / "run")


@pytest.mark.parametrize("asked", [*READERS, *WRITERS, *SETTINGS, *REMOTE])
def test_a_hostile_query_is_refused_in_one_line(run: Run, asked: str) -> None:
    """It cannot read or write files outside the run, change settings or access the network."""
    folder = run.path.parent
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}

    with pytest.raises(QueryError) as caught:
        run.sql(asked.format(file=folder / "secret.txt", folder=folder, run=run.path))

    assert "\n" not in str(caught.value)
    assert OUTSIDE not in str(caught.value)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_the_error_names_the_refused_access_and_the_remedy(run: Run) -> None:
    """Files, extensions and functions have separate messages."""
    file = run.path.parent / "secret.txt"

    with pytest.raises(QueryError, match=r"reads '.*secret.txt', which is not in a run folder .*`rlvitals export`"):
        run.sql(f"from read_text('{file}')")
    with pytest.raises(QueryError, match="needs DuckDB's extension 'sqlite_scanner'; a query loads no extensions"):
        run.sql("from sqlite_scan('x', 'y')")
    with pytest.raises(QueryError, match=r"function checkpoint\(\) is not available in a query"):
        run.sql("from checkpoint()")


def test_a_name_is_never_a_python_variable(run: Run) -> None:
    """By default, DuckDB searches the frames of its callers for variables."""
    with pytest.raises(QueryError, match="run does not exist"):
        run.sql("from run")


@pytest.mark.parametrize(
    "asked",
    [
        "from range(3)",
        "select unnest([1, 2])",
        "select count(*) from episodes, generate_series(1, 2)",
        "select value from episodes, json_each('[1]')",
        "from read_json('{run}/run.json')",
        "select 'enable_logging' as query, count(*) as glob from episodes",
        "from pragma_table_info('episodes')",
    ],
)
def test_functions_that_only_compute_and_files_of_the_run_are_allowed(run: Run, asked: str) -> None:
    """The sandbox restricts access to the machine, not the SQL features."""
    assert len(run.sql(asked.format(run=run.path))) > 0


@pytest.mark.parametrize("asked", ["show tables", "select table_name from information_schema.tables"])
def test_a_query_about_the_tables_lists_every_stream(run: Run, asked: str) -> None:
    """Streams without records are listed too."""
    assert {name for (name,) in run.sql(asked).rows()} >= {"episodes", "updates", "events", "system"}


@pytest.mark.parametrize("name", ["linked", "od[d]?*", "o'clock"])
def test_runs_with_links_or_special_characters_in_their_path_are_read(run: Run, name: str) -> None:
    """Both sealed and open segments are read."""
    folder = run.path.parent / "other"
    folder.mkdir()
    if name == "linked":
        (folder / name).symlink_to(run.path)
    else:
        shutil.copytree(run.path, folder / name)

    def rewards() -> list[tuple[object, ...]]:
        return open_runs(folder).sql("select reward from episodes").rows()

    assert rewards() == [(2.0,)]
    seal(folder / name / "episodes" / "000001.jsonl")
    assert rewards() == [(2.0,)]


def test_a_run_with_a_relative_path_is_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path can contain `..`."""
    monkeypatch.chdir(run.path / "episodes")

    assert open_run("../../run").sql("select reward from episodes").rows() == [(2.0,)]


@pytest.mark.skipif(DUCKDB_VERSION < (1, 5), reason="DuckDB compares resolved paths since 1.5")
def test_a_link_out_of_the_run_is_not_followed(run: Run) -> None:
    """A downloaded run can contain such a link."""
    (run.path / "notes.csv").symlink_to(run.path.parent / "secret.txt")

    with pytest.raises(QueryError, match="not in a run folder"):
        run.sql(f"from read_csv('{run.path}/notes.csv')")


def test_every_unknown_table_function_is_refused() -> None:
    """This includes functions of later DuckDB releases."""
    with sandbox() as tables:
        rows = tables.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'table'"
        ).fetchall()
    refused = 0
    for (name,) in rows:
        try:
            check_functions(f"from {name}()")
        except QueryError:
            refused += 1

    assert 0 < refused < len(rows)
