"""Import of MLflow stores: databases (`mlflow.db`) and folders (`mlruns`)."""

import math
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.importer import Imported, StoreImporter
from rlvitals.formats.importers.mlflow_folder import is_folder_of_mlflow, runs_in_folder
from rlvitals.formats.importers.mlflow_run import ACTIVE, SYSTEM, LoggedValue, MlflowHistory, MlflowRun
from rlvitals.formats.importers.sqlite_file import DAMAGE, opened_database, rows_of_query, tables_of
from rlvitals.formatting import listed

_TABLES = {
    "experiments": {"experiment_id", "name", "lifecycle_stage"},
    "runs": {"run_uuid", "name", "experiment_id", "lifecycle_stage"},
    "metrics": {"run_uuid", "key", "value", "timestamp", "step", "is_nan"},
    "params": {"run_uuid", "key", "value"},
    "tags": {"run_uuid", "key", "value"},
}
"""Tables of a database, and the columns that are read."""
_SHOWN = 10


class MlflowImporter(StoreImporter):
    """Importer for the database or the folder of a tracking store, which can hold several runs.

    Metrics, parameters and tags are read. System metrics and artifacts are left out, and so are deleted runs, with a
    warning. Databases of MLflow store infinities as the largest float, 1.8e308.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether a file is a database with MLflow's tables, or a folder has MLflow's `meta.yaml`."""
        return is_folder_of_mlflow(path) or _is_database_of_mlflow(path)

    def runs_in(self, path: Path) -> Iterator[Imported]:
        """Yield the runs that are not deleted.

        Raises:
            ImportFormatError: The store is damaged or has no runs.
            MissingExtraError: The store is a folder and PyYAML is not installed.
        """
        if path.is_dir():
            yield from _imported(path, runs_in_folder(path))
            return
        if not _is_database_of_mlflow(path):
            raise ImportFormatError(f"{path} is not an MLflow database: it lacks the tables {', '.join(_TABLES)}")
        try:
            with opened_database(path) as database:
                yield from _imported(path, _runs(database, path))
        except DAMAGE as error:
            raise ImportFormatError(f"{path} is damaged: {error}. Import a copy from a backup") from None


def _is_database_of_mlflow(path: Path) -> bool:
    tables = tables_of(path) or {}
    return all(tables.get(name, frozenset()) >= columns for name, columns in _TABLES.items())


def _imported(path: Path, runs: Iterator[tuple[MlflowRun, bool]]) -> Iterator[Imported]:
    every = list(runs)
    warnings = ImportWarnings()
    deleted = [run.name or run.id for run, is_deleted in every if is_deleted]
    message = f"{path}: the import leaves out these deleted runs: {listed(deleted, _SHOWN)}." if deleted else ""
    if deleted:
        warnings.add(message, deleted=deleted[:1_000])
    if len(deleted) == len(every):
        raise ImportFormatError(f"{path} has no runs to import; log a run first. {message}".strip())
    for run, is_deleted in every:
        if not is_deleted:
            yield run.imported(path, warnings)
            warnings = ImportWarnings()  # the deleted runs are reported once


def _runs(database: sqlite3.Connection, path: Path) -> Iterator[tuple[MlflowRun, bool]]:
    query = (
        "SELECT r.run_uuid, r.name, e.name, r.lifecycle_stage, e.lifecycle_stage FROM runs r "
        "JOIN experiments e USING (experiment_id) ORDER BY r.start_time, r.run_uuid"
    )
    for run, name, experiment, *stages in database.execute(query).fetchall():
        found = MlflowRun(
            run=run,
            name=name or "",
            id=run,
            experiment=experiment or "",
            parameters=dict(database.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run,))),
            tags=dict(database.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (run,))),
            history=partial(_history, database, run, path),
        )
        yield found, stages != [ACTIVE, ACTIVE]


def _history(database: sqlite3.Connection, run: str, path: Path) -> MlflowHistory:
    source = f"FROM metrics WHERE run_uuid = ? AND key NOT LIKE '{SYSTEM}%'"
    # Without steps, a metric with several values has all of them at step 0.
    steps = f"SELECT key, MAX(step != 0), COUNT(*) > 1 {source} GROUP BY key ORDER BY key"
    metrics = list(rows_of_query(database, steps, run, path))
    without_steps = [key for key, has_steps, is_repeated in metrics if is_repeated and not has_steps]
    rows = rows_of_query(
        database, f"SELECT step, timestamp, key, value, is_nan {source} ORDER BY step, timestamp", run, path
    )
    return MlflowHistory(
        any(has_steps for _, has_steps, _ in metrics) or not without_steps,
        without_steps,
        (LoggedValue(step, time, name, math.nan if is_nan else value) for step, time, name, value, is_nan in rows),
    )
