"""All data of a run's report, read once."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.diagnosis import Diagnosis, diagnose, evidence_of
from rlvitals.documents.charts import Heat
from rlvitals.documents.heatmaps import heats_of
from rlvitals.documents.run_images import RunImage, pictures_of
from rlvitals.records import Evaluation, Event
from rlvitals.records.objectives import custom_objectives
from rlvitals.runs import Header, Run
from rlvitals.runs.answer import Column
from rlvitals.runs.queries import last_records
from rlvitals.runs.reward_series import RewardSeries, reward_series
from rlvitals.summary.run_columns import RunColumns, read_columns
from rlvitals.summary.run_summary import RunSummary, summarise
from rlvitals.summary.successes import as_floats
from rlvitals.summary.tried_parameters import has_parameters

MOST_EXPLORED = 50_000
"""Maximum number of episodes for which parameters are analysed by default. Larger runs take many seconds."""

_EPISODES = ("episode", "env_step", "reward", "length", "success", "quality_final", "quality_improvement")
_SYSTEM = ("time", "env_step", "memory", "env_steps_per_second")

Floats = NDArray[np.float64]


class StreamColumns(NamedTuple):
    """Columns of a stream.

    Attributes:
        values: Values by name, shape `(n,)`. Missing values are NaN.
        present: Whether a value was reported, by name, shape `(n,)`. Reported values can be NaN.
    """

    values: Mapping[str, Floats]
    present: Mapping[str, NDArray[np.bool_]]

    def has(self, name: str) -> bool:
        """Return whether any record reported this field."""
        return name in self.present and bool(self.present[name].any())

    def last(self, most: int | None) -> "StreamColumns":
        """Return the last `most` records, or all records for `None`."""
        if most is None:
            return self
        values = {name: column[-most:] for name, column in self.values.items()}
        return StreamColumns(values, {name: column[-most:] for name, column in self.present.items()})


class Recorded(NamedTuple):
    """Data that the curves of a run are made from.

    Attributes:
        reward_source: Source of the reward in `episodes` if no episode was recorded (`runs.reward_series`). Otherwise
            empty.
    """

    header: Header
    diagnosis: Diagnosis
    episodes: StreamColumns
    updates: StreamColumns
    system: StreamColumns
    reward_source: str = ""


class RunData(NamedTuple):
    """All data of a run's report.

    Attributes:
        made: Read time (UTC, seconds since 1970).
        explored: Whether the parameters were analysed. `None` if no parameters were logged.
        heats: Heat maps of the parameters that affect the outcomes.
        algorithm: Metrics of the last episode, if the run logs no updates.
    """

    made: float
    recorded: Recorded
    summary: RunSummary
    evaluations: Sequence[Evaluation]
    events: Sequence[Event]
    pictures: Sequence[RunImage]
    explored: bool | None
    heats: tuple[Heat, ...] = ()
    algorithm: Mapping[str, float] = MappingProxyType({})

    @property
    def header(self) -> Header:
        """Header of the run."""
        return self.recorded.header

    @property
    def diagnosis(self) -> Diagnosis:
        """Diagnosis of the run."""
        return self.recorded.diagnosis

    @property
    def is_study(self) -> bool:
        """Whether the run is a hyperparameter search, so that its episodes are trials."""
        return self.diagnosis.is_study


def recorded_of(
    run: Run, *, window: int | None = None, columns: RunColumns | None = None, clock: Clock = SYSTEM_CLOCK
) -> Recorded:
    """Read the data for the curves of a run. Branches that a rewind left behind are ignored.

    Args:
        run: Run to read. It can be live.
        window: Maximum number of the last episodes and updates. `None` for all.
        columns: Columns of the run, if they have been read already.
        clock: Clock to use.

    Raises:
        RunFormatError: A segment is damaged.
    """
    read = columns or read_columns(run)
    custom = [one.name for one in custom_objectives(run.header.configuration) if one.name in read.episodes]
    episodes, updates = _series(read.episodes, (*_EPISODES, *custom)), _series(read.updates, tuple(read.updates))
    system = _series(read.system, _SYSTEM)
    series = None if episodes.values["reward"].size else reward_series(run)
    if series is not None:
        episodes = _rewards(series)
    source = "" if series is None else series.source
    diagnosis = diagnose(evidence_of(run, clock=clock))
    return Recorded(run.header, diagnosis, episodes.last(window), updates.last(window), system, source)


def run_data(
    run: Run, *, parameters: bool | None = None, window: int | None = None, clock: Clock = SYSTEM_CLOCK
) -> RunData:
    """Read all data for the report of a run. Branches that a rewind left behind are ignored.

    Args:
        run: Run to read. It can be live.
        window: Maximum number of the last episodes and updates. `None` for all.
        parameters: Whether to analyse the explored parameters. By default, only if that is fast.
        clock: Clock to use.

    Raises:
        RunFormatError: A segment is damaged.
    """
    columns = read_columns(run)
    recorded = recorded_of(run, window=window, columns=columns, clock=clock)
    rows = 0 if recorded.reward_source else recorded.episodes.values["reward"].size
    explored = None
    if rows and has_parameters(run.episodes.names):
        explored = rows <= MOST_EXPLORED if parameters is None else parameters
    summary = summarise(
        run,
        window=window,
        exploration=bool(explored),
        diagnosis=recorded.diagnosis,
        columns=columns,
        clock=clock,
    )
    events = list(run.records("events"))
    return RunData(
        made=clock.time(),
        recorded=recorded,
        summary=summary,
        evaluations=list(run.records("evaluations")),
        events=events,
        pictures=pictures_of(run, events),
        explored=explored,
        heats=heats_of(run, summary.exploration) if summary.exploration is not None else (),
        algorithm={} if summary.updates else _last_algorithm(run),
    )


def _last_algorithm(run: Run) -> Mapping[str, float]:
    return next((episode.algorithm or {} for episode in last_records(run, "episodes", 1)), {})


def _rewards(series: RewardSeries) -> StreamColumns:
    silent = np.full(series.values.size, np.nan)
    values: dict[str, Floats] = {**dict.fromkeys(_EPISODES, silent), "env_step": series.steps, "reward": series.values}
    present = {name: np.full(silent.size, name == "reward") for name in _EPISODES}
    return StreamColumns(values, {**present, "env_step": np.isfinite(series.steps)})


def _series(columns: Mapping[str, Column], names: Sequence[str]) -> StreamColumns:
    return StreamColumns(
        values={name: as_floats(columns[name]) for name in names},
        present={name: ~np.ma.getmaskarray(columns[name]) for name in names},
    )
