"""Stores of MLflow, made by MLflow itself: a database and a folder."""

import contextlib
import math
import shutil
import sqlite3
from pathlib import Path

import pytest
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers import Importer, import_run, import_runs, make_importer
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.records import PolicyUpdate
from rlvitals.testing.importers import ImporterContract

TIME = 1_700_000_000_000


def fill(client: MlflowClient) -> None:
    """Log two runs, a run without steps, and a deleted run."""
    experiment = client.create_experiment("cartpole")
    for name in ("ppo-1", "ppo-2", "stepless", "deleted"):
        run = client.create_run(experiment, run_name=name, tags={"team": "a"}).info.run_id
        client.log_param(run, "learning_rate", 3e-4)
        client.log_param(run, "env_id", "CartPole-v1")
        client.log_param(run, "seed", name[-1])
        for update in range(3):
            step = 0 if name == "stepless" else update
            logged = {"global_step": 64.0 * update, "train/approx_kl": 0.5, "rollout/ep_rew_mean": 10.0 + update}
            logged |= {"bound": math.nan, "system/cpu_utilization_percentage": 50.0}
            client.log_batch(run, [Metric(key, value, TIME + update, step) for key, value in logged.items()])
        client.set_terminated(run)
    client.delete_run(run)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database, which MLflow takes seconds to create."""
    path = tmp_path_factory.mktemp("database") / "mlflow.db"
    fill(MlflowClient(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as MLflow wrote it by default before version 3.7."""
    path = tmp_path_factory.mktemp("folder") / "mlruns"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        fill(MlflowClient(path.as_uri()))
    return path


@pytest.fixture(params=["database", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a copy of each kind of store."""
    path: Path = request.getfixturevalue(request.param)
    return Path((shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name))


class _Contract(ImporterContract):
    store: Path

    def make_importer(self) -> Importer:
        return make_importer("mlflow")

    def make_sample(self, folder: Path) -> Path:
        target = folder / self.store.name
        return Path((shutil.copytree if self.store.is_dir() else shutil.copy)(self.store, target))


class TestDatabase(_Contract):
    @pytest.fixture(autouse=True)
    def _with_the_database(self, database: Path) -> None:
        self.store = database


class TestFolder(_Contract):
    @pytest.fixture(autouse=True)
    def _with_the_folder(self, folder: Path) -> None:
        self.store = folder


def test_each_run_of_a_store_becomes_a_run(store: Path, tmp_path: Path) -> None:
    """Parameters become numbers again. The deleted run is left out with a warning."""
    first, second, _ = (done.run for done in import_runs(store, tmp_path / "logs"))

    assert (first.run_id, second.run_id, first.header.project) == ("ppo-1", "ppo-2", "cartpole")
    assert first.header.configuration == {"learning_rate": 3e-4, "env_id": "CartPole-v1", "seed": 1}
    assert first.header.tags == ["team=a"]
    assert import_warnings(first.records("events")) == [f"{store}: the import leaves out these deleted runs: deleted."]
    assert import_warnings(second.records("events")) == []


def test_metrics_become_records(store: Path, tmp_path: Path) -> None:
    """Values of one step are one record. Logged environment steps are the environment steps."""
    run = import_runs(store, tmp_path / "logs")[0].run
    scalars = {
        (one.category, name, one.env_step): value
        for one in run.records("scalars")
        for name, value in one.values.items()
    }

    assert list(run.records("updates"))[2] == PolicyUpdate(
        time=(TIME + 2) / 1000, step=2, env_step=128, kl_divergence=0.5
    )
    assert scalars["rollout", "ep_rew_mean", 64] == 11.0
    assert math.isnan(scalars["scalars", "bound", 64])
    assert list(run.records("system")) == []


def test_environment_steps_order_a_run_without_steps(store: Path, tmp_path: Path) -> None:
    """MLflow stores the step 0 if none is logged."""
    run = import_runs(store, tmp_path / "logs")[2].run

    assert [(one.step, one.env_step) for one in run.records("updates")] == [(0, 0), (64, 64), (128, 128)]


def test_a_run_without_any_steps_is_refused(database: Path, tmp_path: Path) -> None:
    """The other runs are imported. Nothing is recorded at a made-up step."""
    path = Path(shutil.copy(database, tmp_path / "mlflow.db"))
    with contextlib.closing(sqlite3.connect(path)) as content, content:
        content.execute("DELETE FROM metrics WHERE key = 'global_step'")

    with pytest.raises(ImportFormatError, match=r"run 'stepless': no step was logged with .*'global_step'"):
        import_runs(path, tmp_path / "logs")
    assert sorted(run.name for run in (tmp_path / "logs").iterdir()) == ["ppo-1", "ppo-2"]


def test_a_single_run_of_a_folder_is_imported(folder: Path, tmp_path: Path) -> None:
    run_folder = next(
        meta.parent for meta in sorted(folder.glob("*/*/meta.yaml")) if "run_name: ppo-2" in meta.read_text()
    )

    assert import_run(run_folder, tmp_path / "logs").run_id == "ppo-2"


def test_a_store_without_runs_is_refused(database: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(database, tmp_path / "mlflow.db"))
    with contextlib.closing(sqlite3.connect(path)) as content, content:
        content.execute("UPDATE runs SET lifecycle_stage = 'deleted'")

    with pytest.raises(
        ImportFormatError, match=r"has no runs to import.*deleted runs: ppo-1, ppo-2, stepless and deleted"
    ):
        import_runs(path, tmp_path / "logs")


def test_a_copied_run_is_a_run(folder: Path, tmp_path: Path) -> None:
    """The copy has the identifier of its original. Repeated imports find both."""
    path = Path(shutil.copytree(folder, tmp_path / "mlruns"))
    run = next(meta.parent for meta in path.glob("*/*/meta.yaml") if "run_name: ppo-1" in meta.read_text())
    shutil.copytree(run, run.with_name("copy"))
    first = [done.run.run_id for done in import_runs(path, tmp_path / "logs")]
    again = [(done.run.run_id, done.outcome) for done in import_runs(path, tmp_path / "logs")]

    assert sorted(first) == ["ppo-1", "ppo-1-2", "ppo-2", "stepless"]
    assert again == [(name, "unchanged") for name in first]


def test_a_metric_without_steps_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other metrics have steps. A warning names the metric, and values that were logged out of order are sorted."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    for number, address in enumerate([f"sqlite:///{tmp_path}/mlflow.db", (tmp_path / "mlruns").as_uri()]):
        client = MlflowClient(address)
        run = client.create_run(client.create_experiment("a"), run_name=f"run{number}").info.run_id
        for step in (2, 1):
            metrics = [Metric("a/logged", 1.0, TIME + step, step), Metric("a/stepless", 1.0, TIME + step, 0)]
            client.log_batch(run, metrics)
    for number, name in enumerate(["mlflow.db", "mlruns"]):
        done = import_runs(tmp_path / name, tmp_path / "logs")[0].run

        assert [(one.step, [*one.values]) for one in done.records("scalars")] == [(1, ["logged"]), (2, ["logged"])]
        assert any(
            f"run 'run{number}': not imported because all values are at step 0: a/stepless. Log" in message
            for message in import_warnings(done.records("events"))
        )
