"""Results of RLlib and Ray Tune, recorded in a run while they arrive."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.adapters.episodes import FailureLog
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.rllib_result import ResultReader, flattened
from rlvitals.monitor import TrainingMonitor
from rlvitals.records import Record
from rlvitals.records.coercion import plain_scalar


class ResultLog:
    """Records results in order. It never raises: failures are counted and reported once.

    The records are those of an import of the same results.

    Args:
        monitor: Monitor that records the results.
        name: Name of the training, for messages.
    """

    def __init__(self, monitor: TrainingMonitor, name: str) -> None:
        self._monitor = monitor
        self._name = name
        self._failures = FailureLog(monitor)
        self._settings: dict[str, Any] = {}
        self._warnings = ImportWarnings()
        self._reader = ResultReader(Path(name), self._settings, self._warnings)

    def add(self, result: Mapping[str, Any]) -> None:
        """Record one result."""
        with self._failures.caught("a result could not be recorded"):
            known = dict(self._settings)
            # Live results hold NumPy scalars and arrays, which the file of a trial holds as numbers and lists.
            plain = {name: _plain(value) for name, value in flattened(result)}
            for record in self._reader.records(plain, self._name):
                self._write(record)
            if self._settings != known:
                self._monitor.update_configuration(self._settings)

    def close(self) -> None:
        """Record what was left out. The monitor stays open."""
        with self._failures.caught("the end of the results could not be recorded"):
            for record in self._reader.last():
                self._write(record)
            for message in self._warnings.messages:
                self._failures.tell(message, severity="warning")
        self._failures.close()

    def _write(self, record: Record) -> None:
        self._monitor.log_record(type(record), msgspec.structs.asdict(record))


def _plain(value: Any) -> Any:
    scalar = plain_scalar(value)
    if isinstance(scalar, bool | int | float | str | list | dict | None):
        return scalar
    return value.tolist() if hasattr(value, "tolist") else str(value)
