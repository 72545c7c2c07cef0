"""Sink that sends records to MLflow."""

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
"""Number of metrics in one call, the maximum that MLflow accepts."""
BACKLOG = 100_000
"""Maximum number of metrics kept while the server is unavailable."""
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
    """Logs the numbers of records to an MLflow run. They are sent in batches, because a call takes 50 ms or more.

    A resumed run continues the same MLflow run. NaN is stored as NaN. Databases of MLflow cannot store infinities, and
    store the largest float, 1.8e308, instead. If a setting changes, MLflow keeps its first value. Texts and events are
    skipped. Characters that MLflow does not allow in names are replaced with `_`.

    Args:
        tracking_uri: MLflow tracking URI. Default: the environment variable `MLFLOW_TRACKING_URI`, otherwise the
            database `mlflow.db` in the folder of runs.
        experiment: Name of the experiment. Default: the project of the run, otherwise `rlvitals`.
        interval_s: Minimum time between two calls, in seconds.
        clock: Source of the time.

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
        """Name of the sink."""
        return "mlflow"

    def begin(self, context: SinkContext) -> None:
        """Store information about the run. MLflow is first called with the first batch.

        Args:
            context: Description of the run.

        Raises:
            MissingExtraError: Runs are stored in a database, and a package for databases is missing.
        """
        self._context = context
        self._uri = self._uri or f"{_DATABASE}{(context.path.parent / 'mlflow.db').resolve()}"
        if self._uri.startswith(_DATABASE):
            for module in ("sqlalchemy", "alembic"):
                require(module, feature=f"{_FEATURE} with a local database", extra=_EXTRA)

    def write(self, record: Record) -> None:
        """Queue the numbers of a record, and send the queue if the interval has passed.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed.
            SinkError: MLflow could not be called. Queued numbers are sent later, up to the size of the backlog.
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
        """Send the queued numbers.

        Raises:
            SinkError: MLflow could not be called. The numbers are sent later.
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
        """Send the queued numbers, and end the MLflow run: as `FAILED` after an exception, as `KILLED` after a signal.

        Raises:
            SinkError: Some numbers were not sent. The run folder has them.
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
                f"MLflow was unavailable for too long; {self._lost} numbers were not sent (the run folder has them)"
            )

    def _open(self) -> _Connection:
        # MLflow sends telemetry by default. Users can turn it on with this environment variable.
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
                found = client.get_experiment_by_name(experiment)  # another process created it first
                if found is None:
                    raise
        if found is not None:
            experiment_id = found.experiment_id
        tags = {} if context is None else {"rlvitals.run": context.run_id, "rlvitals.path": str(context.path.resolve())}
        made = client.create_run(experiment_id, run_name=context.run_id if context else None, tags=tags)
        return str(made.info.run_id)

    def _configure(self, connection: _Connection) -> None:
        """Log new settings. MLflow does not allow changing settings that were logged before."""
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
    """Return a metric name that MLflow accepts. MLflow uses names as paths."""
    parts = [_UNNAMEABLE.sub("_", part) for part in name.split("/")]
    return "/".join("_" if part in _PATH_WORDS else part for part in parts)[:_MAX_NAME]
