"""Records in MLflow, read back with the MLflow client."""

import math
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow import entities
from mlflow.entities import Metric, Run
from mlflow.tracking import MlflowClient

from rlvitals import TrainingMonitor
from rlvitals.errors import MissingExtraError, SinkError
from rlvitals.records import Episode, Event, PolicyUpdate, Record, Scalars
from rlvitals.sinks import MlflowSink, Sink, SinkContext
from rlvitals.sinks import mlflow_sink as mlflow_module
from rlvitals.testing.manual_clock import ManualClock
from rlvitals.testing.sinks import SinkContract


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Database shared by all tests, because MLflow takes seconds to create one."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def uri(database: Path) -> str:
    return f"sqlite:///{database}"


@pytest.fixture
def client(uri: str) -> MlflowClient:
    return MlflowClient(tracking_uri=uri)


class TestContract(SinkContract):
    @pytest.fixture(autouse=True)
    def _with_a_database(self, uri: str) -> None:
        self.uri = uri

    def make_sink(self) -> Sink:
        return MlflowSink(self.uri, experiment="contract")


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    """Separate experiment of a test."""
    return str(request.node.name)


@pytest.fixture
def written(client: MlflowClient, uri: str, context: SinkContext, project: str) -> Any:
    """Return a function that writes records and returns the MLflow run."""

    def write(*records: Record, **changes: Any) -> Run:
        sink = MlflowSink(uri)
        sink.begin(context._replace(project=project, **changes))
        for record in records:
            sink.write(record)
        sink.close()
        return only_run(client, project)

    return write


def only_run(client: MlflowClient, project: str) -> Run:
    experiment = client.get_experiment_by_name(project)
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    return run


def history(client: MlflowClient, run: Run, name: str) -> list[tuple[int, float, int]]:
    found: list[Metric] = client.get_metric_history(run.info.run_id, name)
    return [(metric.step, metric.value, metric.timestamp) for metric in found]


def test_numbers_are_read_back_with_step_and_time(client: MlflowClient, written: Any) -> None:
    """The step is the reported environment step, and the time is that of the record in milliseconds."""

    run = written(
        Episode(time=10.5, episode=0, reward=2.0, length=8, env_step=8),
        PolicyUpdate(time=11.25, step=8, kl_divergence=0.25),
    )
    assert history(client, run, "episode/reward") == [(8, 2.0, 10_500)]
    assert history(client, run, "train/approx_kl") == [(8, 0.25, 11_250)]
    assert history(client, run, "rollout/ep_rew_mean") == [(8, 2.0, 11_250)]


def test_numbers_with_repeated_or_lower_steps_are_kept(client: MlflowClient, written: Any) -> None:
    """MLflow distinguishes them by their time."""

    steps = [5, 5, 7, 3, 5]
    run = written(
        *(Scalars(time=float(n), step=step, category="mine", values={"place": n}) for n, step in enumerate(steps))
    )
    found = sorted(history(client, run, "mine/place"), key=lambda point: point[2])
    assert found == [(step, float(n), 1000 * n) for n, step in enumerate(steps)]


def test_nan_is_kept_and_infinities_become_the_largest_float(client: MlflowClient, written: Any) -> None:
    """This is how MLflow databases store them. Missing values are omitted."""

    losses = (math.nan, math.inf, -math.inf, None)
    run = written(*(PolicyUpdate(time=float(n), step=n, value_loss=loss) for n, loss in enumerate(losses)))
    found = [value for _, value, _ in sorted(history(client, run, "train/value_loss"))]
    assert math.isnan(found[0])
    assert found[1:] == [sys.float_info.max, -sys.float_info.max]


def test_more_numbers_than_a_batch_are_sent_in_several_calls(client: MlflowClient, written: Any) -> None:
    """MLflow accepts a thousand numbers per call."""

    run = written(
        *(Scalars(time=float(n), step=n, category="mine", values={f"m{m}": n for m in range(100)}) for n in range(21))
    )
    assert sorted(history(client, run, "mine/m99")) == [(n, float(n), 1000 * n) for n in range(21)]


def test_names_that_mlflow_rejects_are_changed(client: MlflowClient, written: Any) -> None:
    """MLflow uses names as paths."""

    names = ("café (s)", "../up", "/root", "a//b", "x" * 300)
    run = written(*(Scalars(time=1.0, step=1, category="mine", values={name: 1.0}) for name in names))
    assert set(run.data.metrics) == {"mine/caf_ _s_", "mine/_/up", "mine/_/root", "mine/a/_/b", f"mine/{'x' * 245}"}
    assert client.get_run(run.info.run_id).info.status == "FINISHED"


def test_settings_are_parameters(written: Any, settings: dict[str, Any]) -> None:
    """Nested settings have dotted names, lists are JSON, long values are truncated, and many need several calls."""

    settings |= {f"s{n}": n for n in range(150)} | {"long": "x" * 10_000}
    run = written(PolicyUpdate(time=1.0, step=1, value_loss=0.5))
    params = run.data.params
    assert (params["learning_rate"], params["policy.net_arch"], params["gamma"]) == ("0.0003", "[64, 64]", "NaN")
    assert (params["s149"], len(params["long"])) == ("149", 6_000)


def test_later_settings_are_added(
    client: MlflowClient, uri: str, context: SinkContext, settings: dict[str, Any]
) -> None:
    """MLflow keeps the first value of a changed setting, and new settings are added."""

    sink = MlflowSink(uri, experiment="later")
    sink.begin(context)
    sink.write(PolicyUpdate(time=1.0, step=1, value_loss=0.5))
    sink.flush()
    settings |= {"algorithm": "PPO", "learning_rate": 1e-4}
    sink.write(PolicyUpdate(time=2.0, step=2, value_loss=0.25))
    sink.close()
    run = only_run(client, "later")
    assert (run.data.params["algorithm"], run.data.params["learning_rate"]) == ("PPO", "0.0003")
    assert run.data.metrics["train/value_loss"] == 0.25


@pytest.mark.parametrize(("severity", "status"), [("critical", "FAILED"), ("info", "FINISHED")])
def test_the_mlflow_status_matches_the_end_of_the_run(written: Any, severity: str, status: str) -> None:
    """It is `FAILED` if an exception ended the training."""

    run = written(
        PolicyUpdate(time=1.0, step=1, value_loss=0.5), Event(time=2.0, kind="state", message="end", severity=severity)
    )
    assert run.info.status == status
    assert run.info.run_name == "ppo 1"


def test_a_resumed_run_continues_the_same_mlflow_run(client: MlflowClient, written: Any) -> None:
    """Its numbers follow the earlier ones, and its status is that of the last session."""

    written(
        Scalars(time=1.0, step=1, category="mine", values={"n": 1}),
        Event(time=2.0, kind="state", message="failed", severity="critical"),
    )
    run = written(Scalars(time=3.0, step=2, category="mine", values={"n": 2}), resumed=True)
    assert sorted(history(client, run, "mine/n")) == [(1, 1.0, 1000), (2, 2.0, 3000)]
    assert run.info.status == "FINISHED"


def test_numbers_wait_for_an_unavailable_server(context: SinkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are sent when the server is back. Numbers beyond the backlog are counted and reported on close."""

    monkeypatch.setattr(mlflow_module, "BACKLOG", 10)
    clock, server = ManualClock(), Server()
    sink = MlflowSink("http://localhost:1", clock=clock, interval_s=5.0)
    monkeypatch.setattr(sink._opening, "_open", server.connect)
    sink.begin(context)
    clock.advance(5.0)
    with pytest.raises(SinkError, match="cannot open the destination: ConnectionError: away"):
        sink.write(Scalars(time=1.0, step=0, category="mine", values={"n": 0}))
    for n in range(1, 13):
        sink.write(Scalars(time=1.0, step=n, category="mine", values={"n": n}))
    server.away = False
    clock.advance(60.0)
    with pytest.raises(SinkError, match="; 3 numbers were not sent"):
        sink.close()
    assert server.steps == list(range(3, 13))


def test_a_call_has_at_most_a_thousand_numbers(context: SinkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow servers reject larger calls. All numbers are sent in order."""

    server = Server()
    server.away = False
    sink = MlflowSink("http://localhost:1")
    monkeypatch.setattr(sink._opening, "_open", server.connect)
    sink.begin(context._replace(configuration=dict))
    for n in range(25):
        sink.write(Scalars(time=1.0, step=n, category="mine", values=dict.fromkeys(map(str, range(100)), 1.0)))
    sink.close()
    assert server.calls == [1000, 1000, 500]
    assert server.steps == [n for n in range(25) for _ in range(100)]


class Server:
    """Fake MLflow server that can be unavailable, which a real server in a test cannot."""

    def __init__(self) -> None:
        self.away = True
        self.steps: list[int] = []
        self.calls: list[int] = []

    def connect(self) -> Any:
        if self.away:
            raise ConnectionError("away")
        return mlflow_module._Connection(self, entities, "run")

    def get_run(self, run_id: str) -> Any:
        return type("Run", (), {"data": type("Data", (), {"params": {run_id: ""}})})

    def log_batch(self, run_id: str, metrics: list[Metric] = (), params: Any = ()) -> None:  # type: ignore[assignment]
        del run_id, params
        self.calls.append(len(metrics))
        self.steps += [metric.step for metric in metrics]

    def set_terminated(self, run_id: str, status: str) -> None:
        assert (run_id, status) == ("run", "FINISHED")


def test_a_local_database_needs_its_packages(context: SinkContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a tracking server, the package mlflow-skinny is sufficient."""

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingExtraError, match=r"'sqlalchemy'.*rlvitals\[mlflow\]"):
        MlflowSink().begin(context)
    MlflowSink("http://localhost:1").begin(context)


def test_the_telemetry_of_mlflow_is_turned_off(written: Any) -> None:
    """No data leaves the machine unless the user asks for it."""

    written(PolicyUpdate(time=1.0, step=1, value_loss=0.5))
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_a_monitor_creates_the_sink_by_name(tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sinks=["mlflow"]` writes to `mlflow.db` in the folder of runs, with the project as the experiment."""

    shutil.copy(database, tmp_path / "mlflow.db")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with TrainingMonitor(tmp_path, sinks=["mlflow"], session_name="a", project_name="p") as monitor:
        for episode in range(5):
            monitor.log_episode(episode, float(episode), 10)
        monitor.save_session()
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    run = only_run(client, "p")
    assert [value for _, value, _ in sorted(history(client, run, "episode/reward"))] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert (run.info.run_name, run.info.status) == ("a", "FINISHED")
