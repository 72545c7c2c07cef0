"""A run of MLflow, from a database or from a folder."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rlvitals.formats.importers.history_rows import HistoryRow, history_records
from rlvitals.formats.importers.import_warnings import ImportWarnings, with_warnings
from rlvitals.formats.importers.importer import Imported
from rlvitals.records.settings_table import literal_in

SYSTEM = "system/"
"""Prefix of the system metrics, which count samples instead of steps."""
ACTIVE = "active"
"""Lifecycle stage of runs and experiments that are not deleted."""
_NAME = "mlflow.runName"
_OWN = "mlflow."


class LoggedValue(NamedTuple):
    """One value of a metric; `time` is in milliseconds since 1970."""

    step: int
    time: int
    name: str
    value: float


class MlflowRun(NamedTuple):
    """A run.

    Attributes:
        run: Identifier in the store.
        name: Name; empty in old stores, which have it as a tag.
        id: Identifier that MLflow shows.
        experiment: Name of the experiment.
        parameters: Values of the parameters, which MLflow stores as texts.
        tags: Tags, including those of MLflow itself.
        values: Function that returns whether steps were logged, and the values of all metrics, sorted by step and time.
            Without steps, MLflow stores the step 0.
    """

    run: str
    name: str
    id: str
    experiment: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    values: Callable[[], tuple[bool, Iterable[LoggedValue]]]

    def imported(self, path: Path, warnings: ImportWarnings) -> Imported:
        """Return the run as an import. Its records are read lazily.

        Args:
            path: Path of the store.
            warnings: Collector for missing data.
        """
        name = self.name or self.tags.get(_NAME) or self.id
        history = history_records(self._rows(), warnings, f"{path}, run {name!r}")
        return Imported(
            name,
            with_warnings(history, warnings, path),
            project=self.experiment,
            configuration={parameter: literal_in(text) for parameter, text in self.parameters.items()},
            tags=[f"{tag}={text}" for tag, text in self.tags.items() if not tag.startswith(_OWN)],
            run=self.run,
        )

    def _rows(self) -> Iterator[HistoryRow]:
        """Yield one row per step, or several if a metric has several values at it."""
        has_steps, values = self.values()
        for at, found in groupby(values, key=lambda each: each.step if has_steps else each.time):
            step = at if has_steps else None
            row: dict[str, float] = {}
            time = 0
            for each in found:
                if each.name in row:
                    yield HistoryRow(step, time / 1000, row)
                    row = {}
                time = time if row else each.time
                row[each.name] = each.value
            yield HistoryRow(step, time / 1000, row)
