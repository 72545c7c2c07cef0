"""Import of trackio projects: SQLite databases with one row per call of `trackio.log`."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.episodes_importer import moment_of
from rlvitals.formats.importers.history_rows import HistoryRow, history_records
from rlvitals.formats.importers.import_warnings import ImportWarnings, with_warnings
from rlvitals.formats.importers.importer import Imported, StoreImporter
from rlvitals.formats.importers.sqlite_file import DAMAGE, opened_database, rows_of_query, tables_of

_TABLES = ("metrics", "configs")
_COLUMNS = {"run_name", "timestamp", "step", "metrics"}
_ID, _NAME = "run_id", "run_name"
_OWN = "_"
"""First character of the settings that trackio adds itself."""


class TrackioImporter(StoreImporter):
    """Importer for the database of a project (`PROJECT.db`), which can hold several runs.

    Configuration and metrics are read. System metrics, alerts, traces and media are left out.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether the file is a database with the tables of trackio."""
        tables = tables_of(path) or {}
        return all(name in tables for name in _TABLES) and tables["metrics"] >= _COLUMNS

    def runs_in(self, path: Path) -> Iterator[Imported]:
        """Yield the runs in the order in which they were started.

        Raises:
            ImportFormatError: The database is damaged or has no runs.
        """
        if not self.recognises(path):
            raise ImportFormatError(f"{path} is not a trackio database: it lacks the tables {' and '.join(_TABLES)}")
        try:
            with opened_database(path) as database:
                yield from self._runs(path, database)
        except DAMAGE as error:
            raise ImportFormatError(f"{path} is damaged: {error}. Import a copy from a backup") from None

    def _runs(self, path: Path, database: sqlite3.Connection) -> Iterator[Imported]:
        # Versions before 0.24 identify a run by its name alone.
        tables = tables_of(path) or {}
        key = {name: _ID if _ID in tables[name] else _NAME for name in _TABLES}
        listed = f"SELECT {key['metrics']}, MIN({_NAME}) FROM metrics GROUP BY 1 ORDER BY MIN(id)"
        runs = database.execute(listed).fetchall()
        if not runs:
            raise ImportFormatError(f"{path} has no runs with metrics")
        for run, name in runs:
            query = f"SELECT config FROM configs WHERE {key['configs']} = ?"
            configs = database.execute(query, (run if key["configs"] == key["metrics"] else name,)).fetchall()
            configuration = {
                setting: value
                for (config,) in configs
                for setting, value in _decoded(config, path).items()
                if not setting.startswith(_OWN)
            }
            warnings = ImportWarnings()
            where = f"{path}, run {name!r}"
            rows = _rows(database, key["metrics"], run, path)
            records = with_warnings(history_records(rows, warnings, where), warnings, path)
            yield Imported(name, records, project=path.stem, configuration=configuration, run=run)


def _rows(database: sqlite3.Connection, key: str, run: str, path: Path) -> Iterator[HistoryRow]:
    query = f"SELECT step, timestamp, metrics FROM metrics WHERE {key} = ? ORDER BY id"
    for step, timestamp, metrics in rows_of_query(database, query, run, path):
        try:
            time = moment_of(timestamp)
        except ValueError as error:
            raise ImportFormatError(f"{path} is damaged: {error}. Import a copy from a backup") from None
        yield HistoryRow(step, time, _decoded(metrics, path))


def _decoded(content: bytes | str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ImportFormatError(f"{path} is damaged: {error}: {content[:60]!r}. Import a copy from a backup") from None
    return found if isinstance(found, dict) else {}
