"""Live vital signs of a run: the facts that a terminal shows, computed in bounded memory."""

import itertools
from typing import NamedTuple

import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock, pause_after
from rlvitals.diagnosis import Diagnosis, Evidence
from rlvitals.diagnosis.block_table import BlockTable
from rlvitals.errors import RunError
from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, SystemSample
from rlvitals.records.metrics import metric_of, panel
from rlvitals.records.progress import Throughput, step_of
from rlvitals.runs import Header, Run
from rlvitals.runs.queries import last_records
from rlvitals.runs.reward_series import RewardSeries, reward_series
from rlvitals.stats.series.down_sampling import sparks
from rlvitals.summary.levels import RECENT_EPISODES
from rlvitals.summary.objective_columns import read_custom_objectives
from rlvitals.summary.overview import Assessment, Overview, OverviewInputs, assess, overview_from
from rlvitals.summary.status import RunState, state_of
from rlvitals.summary.throughput import episodes_per_minute, reported_step, throughput_of

SPARKS = 60
_EPISODES = 1_000
_UPDATES = 60
_EVENTS = 50
_EVALUATIONS = 64
"""Number of last evaluations among which that of the agent is looked for: one evaluation can have many baselines."""
_LOOK_S = 5.0
_IN_TABLE = {"quality_improvement": "quality"}
"""Columns that have a different name in the tables of the diagnosis."""


class VitalMetric(NamedTuple):
    """A metric of the updates: its last value, its course over the run, and its healthy range if it has one.

    Attributes:
        name: Name of the metric.
        last: Last value.
        low: Lower limit of the healthy range. `None` without one.
        high: Upper limit of the healthy range. `None` without one.
        spark: Curve over the whole run.
    """

    name: str
    last: float
    low: float | None
    high: float | None
    spark: tuple[float | None, ...]

    @property
    def is_healthy(self) -> bool | None:
        """Whether the last value is in the healthy range. `None` if there is no range."""
        if not np.isfinite(self.last):
            return False
        if self.high is None:
            return None
        return (self.low is None or self.last >= self.low) and self.last <= self.high


class Vitals(NamedTuple):
    """Vital signs of a run for a terminal. Times are UTC, seconds since 1970.

    Attributes:
        overview: Overview of the run.
        now: Time of the observation.
        memory: Resident memory in MiB.
        sparks: Curve of each level over the whole run.
        metrics: Metrics of the updates.
        diagnosis: Diagnosis of the run.
        evaluation: Last evaluation of the agent, otherwise of a baseline, if there is one.
        events: Last events.
        failure: Exception that ended the run. Otherwise empty.
        read_error: Reason why the run cannot be read now. Empty if it can be read.
    """

    overview: Overview
    now: float
    memory: float | None
    sparks: dict[str, tuple[float | None, ...]]
    metrics: tuple[VitalMetric, ...]
    diagnosis: Diagnosis
    evaluation: Evaluation | None
    events: tuple[Event, ...]
    failure: str
    read_error: str

    @property
    def state(self) -> RunState:
        """Its state."""
        return self.overview.state

    @property
    def is_open(self) -> bool:
        """Whether the run is active or can continue."""
        return self.overview.is_open


class Observer:
    """Observer that reads a run repeatedly.

    Each observation reads the end of the run. The whole run, for the curves and the diagnosis, is read for at most a
    twentieth of the time. Memory use does not grow with the run.

    Args:
        run: Run to observe.
        clock: Clock to use.
    """

    def __init__(self, run: Run, clock: Clock = SYSTEM_CLOCK) -> None:
        self.run = run
        self._clock = clock
        self._evidence: Evidence | None = None
        self._assessment: Assessment | None = None
        self._first: list[Episode] = []
        self._pace, self._episode_pace = Throughput(), Throughput()
        self._looked, self._sessions = -np.inf, 0
        self._took = 0.0
        self._sparks: dict[str, tuple[float | None, ...]] = {}
        self._series: RewardSeries | None = None
        self._last: Vitals | None = None

    def observe(self) -> Vitals:
        """Return the current vital signs. If the run folder cannot be read, return the last known ones with the error.

        Raises:
            RunError: The run cannot be read and never could before.
        """
        try:
            self._last = self._read()
        except (RunError, OSError) as error:
            if self._last is None:
                raise
            self._last = self._last._replace(read_error=str(error), now=self._clock.time())
        return self._last

    def _read(self) -> Vitals:
        header = self.run.header
        state = state_of(self.run, header, clock=self._clock)
        began = self._clock.monotonic()
        is_due = not state.is_open or began - self._looked > pause_after(self._took, least_s=_LOOK_S)
        if (
            is_due or len(header.writers) != self._sessions
        ):  # a rewind begins a session, and records read before may be gone
            self._read_all()
            self._sessions = len(header.writers)
            self._looked = self._clock.monotonic()
            self._took = self._looked - began
        assert self._evidence is not None
        return self._vitals(header, state, self._evidence)

    def _read_all(self) -> None:
        run = self.run
        self._evidence, self._assessment = assess(run, clock=self._clock)
        times = run.episodes.numbers("time")
        self._series = None if times.size else reward_series(run)
        self._pace, self._episode_pace = throughput_of(run), episodes_per_minute(times)
        self._first = list(itertools.islice(run.records("episodes"), RECENT_EPISODES))
        read = {"quality_final": run.episodes["quality_final"].astype(np.float64), **read_custom_objectives(run)}
        self._sparks = {name: sparks(column, SPARKS) for name, column in read.items()}

    def _vitals(self, header: Header, state: RunState, evidence: Evidence) -> Vitals:
        episodes: list[Episode] = last_records(self.run, "episodes", RECENT_EPISODES)
        updates: list[PolicyUpdate] = last_records(self.run, "updates", _UPDATES)
        samples: list[SystemSample] = last_records(self.run, "system", 1)
        evaluations: list[Evaluation] = last_records(self.run, "evaluations", _EVALUATIONS)
        beat = self.run.vitality(clock=self._clock).heartbeat
        newest = map(step_of, [*episodes, *updates[-1:], *samples])
        recorded = 0 if evidence.reward_source else evidence.episodes.records
        assert self._assessment is not None
        overview = overview_from(
            OverviewInputs(
                header=header,
                state=state,
                episodes=max(recorded, (beat.episodes if beat and state.is_open else 0) or 0),
                updates=evidence.updates.records,
                steps=(reported_step(self.run, header, state, clock=self._clock), *newest),
                recent=episodes,
                first=self._first,
                pace=self._pace,
                episode_pace=self._episode_pace,
                series=None if episodes else self._series,
                assessment=self._assessment,
            )
        )
        failure = header.failure
        return Vitals(
            overview=overview,
            now=self._clock.time(),
            memory=_memory(samples, episodes),
            sparks={name: self._spark(name, evidence.episodes) for name in overview.levels},
            metrics=tuple(
                found for one in panel("updates", "update") if (found := _metric(one.name, updates, evidence))
            ),
            diagnosis=self._assessment.diagnosis,
            evaluation=max(evaluations, key=lambda one: (one.policy is None, one.time), default=None),
            events=tuple(last_records(self.run, "events", _EVENTS)),
            failure="" if failure is None else failure.text,
            read_error="",
        )

    def _spark(self, name: str, table: BlockTable) -> tuple[float | None, ...]:
        if self._series is not None:
            return sparks(self._series.values, SPARKS)
        known = self._sparks.get(name)
        if known is not None:
            return known
        column = _IN_TABLE.get(name, name)
        return _spark(table, column) if column in table.names else ()  # an objective that is newer than the curves


def _memory(samples: list[SystemSample], episodes: list[Episode]) -> float | None:
    reported = [sample.memory for sample in samples] + [episode.memory for episode in episodes[-1:]]
    return next((memory for memory in reported if memory is not None), None)


def _metric(name: str, updates: list[PolicyUpdate], evidence: Evidence) -> VitalMetric | None:
    values = np.array([float(value) for update in updates if (value := getattr(update, name)) is not None])
    if not values.size:
        return None
    low, high = metric_of("updates", name).healthy_range or (None, None)
    return VitalMetric(
        name=name,
        last=float(values[-1]),
        low=low,
        high=high,
        spark=_spark(evidence.updates, name),
    )


def _spark(table: BlockTable, name: str) -> tuple[float | None, ...]:
    """Return the curve of a metric over the whole run. A block without any value, finite or not, is missing."""
    means = table.mean(name)
    return sparks(np.ma.masked_array(means, np.isnan(means) & (table.not_finite(name) == 0)), SPARKS)
