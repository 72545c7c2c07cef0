"""A run of MLflow, from a database or from a folder."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rlvitals.formats.importers.history_rows import HistoryRow, history_records
from rlvitals.formats.importers.import_warnings import ImportWarnings, with_warnings
from rlvitals.formats.importers.importer import Imported
from rlvitals.formatting import listed
from rlvitals.records.settings_table import literal_in

SYSTEM = "system/"
"""Prefix of the system metrics, which count samples instead of steps."""
ACTIVE = "active"
"""Lifecycle stage of runs and experiments that are not deleted."""
_NAME = "mlflow.runName"
_OWN = "mlflow."
_SHOWN = 10


class LoggedValue(NamedTuple):
    """One value of a metric; `time` is in milliseconds since 1970."""

    step: int
    time: int
    name: str
    value: float


class MlflowHistory(NamedTuple):
    """The values of the metrics of a run.

    Attributes:
        has_steps: Whether steps were logged. Without steps, MLflow stores the step 0.
        without_steps: Names of the metrics with several values, all at step 0.
        values: Values, sorted by step and time.
    """

    has_steps: bool
    without_steps: Collection[str]
    values: Iterable[LoggedValue]


class MlflowRun(NamedTuple):
    """A run.

    Attributes:
        run: Identifier in the store.
        name: Name; empty in old stores, which have it as a tag.
        id: Identifier that MLflow shows.
        experiment: Name of the experiment.
        parameters: Values of the parameters, which MLflow stores as texts.
        tags: Tags, including those of MLflow itself.
        history: Function that returns the values of the metrics.
    """

    run: str
    name: str
    id: str
    experiment: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    history: Callable[[], MlflowHistory]

    def imported(self, path: Path, warnings: ImportWarnings) -> Imported:
        """Return the run as an import. Its records are read lazily.

        Args:
            path: Path of the store.
            warnings: Collector for missing data.
        """
        name = self.name or self.tags.get(_NAME) or self.id
        where = f"{path}, run {name!r}"
        return Imported(
            name,
            with_warnings(history_records(self._rows(warnings, where), warnings, where), warnings, path),
            project=self.experiment,
            configuration={parameter: literal_in(text) for parameter, text in self.parameters.items()},
            tags=[f"{tag}={text}" for tag, text in self.tags.items() if not tag.startswith(_OWN)],
            run=self.run,
        )

    def _rows(self, warnings: ImportWarnings, where: str) -> Iterator[HistoryRow]:
        """Yield one row per step, or several if a metric has several values at it."""
        has_steps, without_steps, values = self.history()
        if has_steps and without_steps:
            warnings.add(
                f"{where}: not imported because all values are at step 0: {listed([*without_steps], _SHOWN)}. Log them "
                "with their step, as in log_metric(key, value, step=step).",
                names=[*without_steps],
            )
            values = (value for value in values if value.name not in without_steps)
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
