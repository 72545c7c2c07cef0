"""Projects of trackio, made by `made_by_trackio/make_trackio_project.py`."""

import contextlib
import gzip
import sqlite3
from pathlib import Path

import pytest

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers import Importer, import_run, import_runs, make_importer
from rlvitals.records import PolicyUpdate, Scalars
from rlvitals.testing.importers import ImporterContract

MADE = Path(__file__).parent / "made_by_trackio" / "cartpole.db.gz"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the database of a project with two runs."""
    file = tmp_path / "cartpole.db"
    file.write_bytes(gzip.decompress(MADE.read_bytes()))
    return file


class TestContract(ImporterContract):
    def make_importer(self) -> Importer:
        return make_importer("trackio")

    def make_sample(self, folder: Path) -> Path:
        (folder / "cartpole.db").write_bytes(gzip.decompress(MADE.read_bytes()))
        return folder / "cartpole.db"


def test_each_run_of_a_project_becomes_a_run(project: Path, tmp_path: Path) -> None:
    """Environment steps, NaN, infinities and texts are kept."""
    first, second = (done.run for done in import_runs(project, tmp_path / "logs"))
    update = list(first.records("updates"))[2]

    assert (first.run_id, second.run_id, first.header.project) == ("ppo-1", "ppo-2", "cartpole")
    assert first.header.configuration == {
        "learning_rate": 3e-4,
        "env_id": "CartPole-v1",
        "seed": 1,
        "net": {"layers": [64, 64]},
    }
    wanted = PolicyUpdate(time=update.time, step=2, env_step=200, kl_divergence=0.5, loss=float("nan"))
    assert repr(update) == repr(wanted)
    scalars = {(one.category, name): value for one in second.records("scalars") for name, value in one.values.items()}
    assert scalars["rollout", "ep_rew_mean"] == 22.0
    assert (scalars["scalars", "bound"], scalars["scalars", "note"]) == (float("-inf"), "warm-up")


def test_only_the_run_that_has_grown_is_updated(project: Path, tmp_path: Path) -> None:
    """The database has changed, but the records of the other run have not."""
    import_runs(project, tmp_path / "logs")
    with contextlib.closing(sqlite3.connect(project)) as database, database:
        database.execute(
            "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) "
            "SELECT run_id, timestamp, run_name, 3, metrics FROM metrics LIMIT 1"
        )

    assert [done.outcome for done in import_runs(project, tmp_path / "logs")] == ["updated", "unchanged"]


def test_changes_of_a_running_training_are_read(project: Path, tmp_path: Path) -> None:
    """They are in a separate file next to the database. Neither file is changed."""
    with contextlib.closing(sqlite3.connect(project)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        with database:
            database.execute("DELETE FROM metrics WHERE run_name = 'ppo-1'")
        before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        (done,) = import_runs(project, tmp_path / "logs")
        after = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}

    assert before["cartpole.db-wal"]
    assert after == before
    assert done.run.run_id == "ppo-2"


def test_databases_of_versions_before_0_24_are_read(project: Path, tmp_path: Path) -> None:
    """They identify runs by their names alone."""
    with contextlib.closing(sqlite3.connect(project)) as database, database:
        database.executescript(
            """
            CREATE TABLE old_metrics AS SELECT id, timestamp, run_name, step, metrics FROM metrics;
            CREATE TABLE old_configs AS SELECT id, run_name, config, created_at FROM configs;
            DROP TABLE metrics;
            DROP TABLE configs;
            ALTER TABLE old_metrics RENAME TO metrics;
            ALTER TABLE old_configs RENAME TO configs;
            """
        )

    runs = [done.run for done in import_runs(project, tmp_path / "logs")]

    assert [(run.run_id, run.header.configuration["seed"]) for run in runs] == [("ppo-1", 1), ("ppo-2", 2)]


def test_one_run_cannot_be_chosen_among_several(project: Path, tmp_path: Path) -> None:
    """`import_run` creates one run, so it refuses a project of two."""
    with pytest.raises(ImportFormatError, match=r"cartpole\.db contains several runs"):
        import_run(project, tmp_path / "logs")
    assert not list((tmp_path / "logs").iterdir())


def test_a_project_without_metrics_is_refused(project: Path, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(project)) as database, database:
        database.execute("DELETE FROM metrics")

    with pytest.raises(ImportFormatError, match="has no runs with metrics"):
        import_runs(project, tmp_path / "logs")


def test_scalars_keep_the_steps(project: Path, tmp_path: Path) -> None:
    run = import_runs(project, tmp_path / "logs")[0].run

    found = [(one.step, one.env_step) for one in run.records("scalars") if one.category == "rollout"]
    assert isinstance(next(run.records("scalars")), Scalars)
    assert found == [(0, 0), (1, 100), (2, 200)]
