"""Records to MLflow."""

import os
import re
from typing import Any, NamedTuple

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ClosedError, SinkError
from rlvitals.files.regular_files import read_regular, replace_file
from rlvitals.records import Record
from rlvitals.sinks.flattening import (
    Flattener,
    SettingsTracker,
    finite_or,
    flat_settings,
    is_failure,
    is_preemption,
    setting_text,
)
from rlvitals.sinks.lazy_destination import Opening, load, require
from rlvitals.sinks.sink_context import RunSink, SinkContext

BATCH = 1_000
"""Metrics in one call: the most that MLflow takes."""
BACKLOG = 100_000
"""Metrics that wait for a server that is away."""
INTERVAL_S = 5.0

_FEATURE, _EXTRA = "MLflow", "mlflow"
_DATABASE = "sqlite:///"
_UNNAMEABLE = re.compile(r"[^\w\-. ]", re.ASCII)
_MAX_NAME, _MAX_PARAM, _MAX_PARAMS = 250, 6_000, 100
_PATH_WORDS = {"", ".", ".."}


class _Connection(NamedTuple):
    client: Any
    entities: Any
    run_id: str


class MlflowSink(RunSink):
    """Logs the numbers of records to an MLflow run, in batches, as a call takes 50 ms and more.

    Where no tracking server is given, neither here nor in `MLFLOW_TRACKING_URI`, it is the database `mlflow.db` in the
    folder of runs. The experiment is the project. A run that is resumed goes on in the same MLflow run.

    NaN is kept as NaN; MLflow's databases have no infinities, and keep them as the greatest float, 1.8e308. Of a
    setting that changes MLflow keeps the first value. Texts and events are passed over. Names have `_` for what MLflow
    does not take.

    Args:
        tracking_uri: Where MLflow keeps runs.
        experiment: The experiment's name.
        interval_s: Seconds between two calls, as long as records come.
        clock: Tells the time.

    Raises:
        MissingExtraError: MLflow is not installed.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        *,
        experiment: str | None = None,
        interval_s: float = INTERVAL_S,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        require("mlflow", feature=_FEATURE, extra=_EXTRA)
        self._uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
        self._experiment = experiment
        self._interval_s = interval_s
        self._clock = clock
        self._context: SinkContext | None = None
        self._opening: Opening[_Connection] = Opening(self._open, clock=clock)
        self._flattener = Flattener()
        self._settings = SettingsTracker()
        self._waiting: list[Any] = []
        self._due = clock.monotonic() + interval_s
        self._lost = 0
        self._end = "FINISHED"
        self._closed = False

    @property
    def name(self) -> str:
        """What users call it."""
        return "mlflow"

    def begin(self, context: SinkContext) -> None:
        """Take note of the run; MLflow is called with the first batch.

        Raises:
            MissingExtraError: The runs are to be kept in a database, and a package for that is missing.
        """
        self._context = context
        self._uri = self._uri or f"{_DATABASE}{(context.path.parent / 'mlflow.db').resolve()}"
        if self._uri.startswith(_DATABASE):
            for module in ("sqlalchemy", "alembic"):
                require(module, feature=f"{_FEATURE} with a local database", extra=_EXTRA)

    def write(self, record: Record) -> None:
        """Take a record's numbers; send them if it is time.

        Raises:
            ClosedError: The sink is closed.
            SinkError: MLflow could not be called; what waits is sent later, unless it has become too much.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        if is_failure(record):
            self._end = "FAILED"
        elif is_preemption(record):
            self._end = "KILLED"
        flat = self._flattener.flatten(record)
        moment = int(1000 * finite_or(record.time, self._clock.time()))
        self._waiting += [(_nameable(name), value, moment, flat.step) for name, value in flat.numbers.items()]
        if len(self._waiting) > BACKLOG:
            beyond = len(self._waiting) - BACKLOG
            del self._waiting[:beyond]
            self._lost += beyond
        if self._clock.monotonic() >= self._due:
            self.flush()

    def flush(self) -> None:
        """Send what waits.

        Raises:
            SinkError: MLflow could not be called; it is sent later.
        """
        self._due = self._clock.monotonic() + self._interval_s
        if not self._waiting and self._opening.value is None:
            return
        connection = self._opening.get()
        self._configure(connection)
        client, entities, run_id = connection
        while self._waiting:
            batch = [entities.Metric(*values) for values in self._waiting[:BATCH]]
            client.log_batch(run_id, metrics=batch)
            del self._waiting[:BATCH]

    def close(self) -> None:
        """Send what waits, and end the MLflow run: as `FAILED` after an exception, as `KILLED` after a signal.

        Raises:
            SinkError: MLflow did not get everything; the run folder has it.
        """
        if self._closed:
            return
        self._closed = True
        self.flush()
        if self._opening.value is not None:
            client, _, run_id = self._opening.value
            client.set_terminated(run_id, self._end)
        if self._lost:
            raise SinkError(
                f"MLflow was away for too long: it did not get {self._lost} numbers; the run folder has them"
            )

    def _open(self) -> _Connection:
        # MLflow reports its use to its makers unless it is told not to. Whoever wants that may say so himself.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        client = load("mlflow.tracking").MlflowClient(tracking_uri=self._uri)
        context = self._context
        kept = None if context is None else context.artifacts / "mlflow" / "run-id.txt"
        run_id = read_regular(kept).decode().strip() if kept is not None and kept.exists() else ""
        if run_id:
            client.update_run(run_id, status="RUNNING")
        else:
            run_id = self._begin_run(client)
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                replace_file(kept, f"{run_id}\n".encode())
        return _Connection(client, load("mlflow.entities"), run_id)

    def _begin_run(self, client: Any) -> str:
        context = self._context
        experiment = self._experiment or (context.project if context else "") or "rlvitals"
        artifacts = None
        if context is not None and str(self._uri).startswith(_DATABASE):
            artifacts = (context.path.parent / "mlartifacts").resolve().as_uri()
        found = client.get_experiment_by_name(experiment)
        if found is None:
            try:
                experiment_id = client.create_experiment(experiment, artifact_location=artifacts)
            except load("mlflow.exceptions").MlflowException:
                found = client.get_experiment_by_name(experiment)  # another training was quicker
                if found is None:
                    raise
        if found is not None:
            experiment_id = found.experiment_id
        tags = {} if context is None else {"rlvitals.run": context.run_id, "rlvitals.path": str(context.path.resolve())}
        made = client.create_run(experiment_id, run_name=context.run_id if context else None, tags=tags)
        return str(made.info.run_id)

    def _configure(self, connection: _Connection) -> None:
        """Log the settings that are new; those that were logged before cannot be changed in MLflow."""
        if self._context is None:
            return
        changes = self._settings.changes(dict(flat_settings(self._context.configuration())))
        new = {_nameable(name): setting_text(value)[:_MAX_PARAM] for name, value in changes.items()}
        if not new:
            return
        client, entities, run_id = connection
        known = client.get_run(run_id).data.params
        params = [entities.Param(name, value) for name, value in new.items() if name not in known]
        for start in range(0, len(params), _MAX_PARAMS):
            client.log_batch(run_id, params=params[start : start + _MAX_PARAMS])


def _nameable(name: str) -> str:
    """A name that MLflow takes: it makes paths of them."""
    parts = [_UNNAMEABLE.sub("_", part) for part in name.split("/")]
    return "/".join("_" if part in _PATH_WORDS else part for part in parts)[:_MAX_NAME]
