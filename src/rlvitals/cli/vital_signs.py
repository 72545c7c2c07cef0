"""The vital signs of a run as they stand: what a terminal shows, worked out in bounded memory."""

from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from rlvitals.analysis.intervals import mean_interval, rate_interval
from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.diagnosis import Diagnosis, Evidence, diagnose, evidence_of
from rlvitals.diagnosis.table import Table
from rlvitals.errors import RunError
from rlvitals.pace import Pace, furthest_of, seconds_left, share_of, step_of
from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, SystemSample
from rlvitals.records.metrics import metric_of, panel
from rlvitals.runs import Header, Run
from rlvitals.runs.reward_series import RewardSeries, reward_series
from rlvitals.runs.table import last_records
from rlvitals.summary.life import OPEN, Life, away_of, life_of
from rlvitals.summary.pacing import pace_of, step_said

Floats = NDArray[np.float64]

RECENT = 100
"""Episodes that levels are over."""
SPARKS = 60
_EPISODES = 1_000
_UPDATES = 60
_EVENTS = 50
_LOOK_S = 5.0
_SHARE = 20.0
"""Reading the whole of a run takes at most this part of the time: one in twenty."""
_IN_TABLE = {"quality_improvement": "quality"}
"""Columns that the tables of the diagnosis know by another name."""


class Level(NamedTuple):
    """A quantity of the last 100 episodes: its mean with the 95 % interval, and its course over the run.

    Attributes:
        share: Whether it is a share of one.
        not_finite: How many of those values are not finite.
        reported: How many values there are.
        episodes: How many episodes these are; of a share, the last 100, whether they reported it or not.
    """

    name: str
    mean: float | None
    low: float | None
    high: float | None
    share: bool
    not_finite: int
    reported: int
    episodes: int
    spark: tuple[float | None, ...]


class Metric(NamedTuple):
    """A metric of the updates: in the last one, over the run, and what is healthy where that is a number."""

    name: str
    last: float
    low: float | None
    high: float | None
    spark: tuple[float | None, ...]

    @property
    def is_healthy(self) -> bool | None:
        """Whether the last value lies where healthy ones do; `None` where that cannot be said in numbers."""
        if not np.isfinite(self.last):
            return False
        if self.high is None:
            return None
        return (self.low is None or self.last >= self.low) and self.last <= self.high


class Vitals(NamedTuple):
    """A run, as it stands. Moments are UTC, seconds since 1970; lengths of time are seconds.

    Attributes:
        goal: Environment steps that it is to take, if known.
        progress: The share of them that is done.
        left: Until then, at the speed of late.
        steps_per_second: Over the run (`rlvitals.pace`).
        recent_steps_per_second: Lately.
        reward_source: What stands for the reward where no episode was recorded (`runs.reward_series`); else empty.
        diagnosis: What is wrong; `None` before the first look.
        trouble: Why the run cannot be read at present; empty if it can.
    """

    life: Life
    now: float
    episodes: int
    updates: int
    env_step: int | None
    goal: float | None
    progress: float | None
    left: float | None
    steps_per_second: float | None
    recent_steps_per_second: float | None
    memory: float | None
    reward_source: str
    levels: tuple[Level, ...]
    metrics: tuple[Metric, ...]
    diagnosis: Diagnosis | None
    evaluation: Evaluation | None
    events: tuple[Event, ...]
    failure: str
    trouble: str

    @property
    def is_open(self) -> bool:
        """Whether the run goes on, or may."""
        return self.life.status in OPEN


class Observer:
    """Looks at a run again and again.

    Its end is read at each look; the whole of it, for the curves and the diagnosis, at most a twentieth of the time.
    What it holds does not grow with the run.

    Args:
        run: The run.
        clock: Tells the time.
    """

    def __init__(self, run: Run, clock: Clock = SYSTEM_CLOCK) -> None:
        self.run = run
        self._clock = clock
        self._evidence: Evidence | None = None
        self._diagnosis: Diagnosis | None = None
        self._pace = Pace()
        self._looked = -np.inf
        self._took = 0.0
        self._quality: tuple[float | None, ...] = ()
        self._series: RewardSeries | None = None
        self._last: Vitals | None = None

    def look(self) -> Vitals:
        """The run, as it stands. A folder that cannot be read at present is told of, with what was last known.

        Raises:
            RunError: It could not be read, and never could before.
        """
        try:
            self._last = self._read()
        except (RunError, OSError) as error:
            if self._last is None:
                raise
            self._last = self._last._replace(trouble=str(error), now=self._clock.time())
        return self._last

    def _read(self) -> Vitals:
        header = self.run.header
        life = life_of(self.run, header, clock=self._clock)
        began = self._clock.monotonic()
        is_over = life.status not in OPEN
        if is_over or began - self._looked > max(_LOOK_S, _SHARE * self._took):
            self._evidence = evidence_of(self.run, clock=self._clock)
            self._diagnosis = diagnose(self._evidence)
            self._pace = pace_of(self.run)
            self._quality = _stretches(self.run.episodes.numbers("quality_final"))
            self._series = None if self._diagnosis.episodes else reward_series(self.run)
            self._looked = self._clock.monotonic()
            self._took = self._looked - began
        assert self._evidence is not None
        return self._vitals(header, life, self._evidence)

    def _vitals(self, header: Header, life: Life, evidence: Evidence) -> Vitals:
        episodes: list[Episode] = last_records(self.run, "episodes", _EPISODES)
        updates: list[PolicyUpdate] = last_records(self.run, "updates", _UPDATES)
        samples: list[SystemSample] = last_records(self.run, "system", 1)
        evaluations: list[Evaluation] = last_records(self.run, "evaluations", 1)
        beat = self.run.vitality(clock=self._clock).heartbeat
        newest = map(step_of, [*episodes[-RECENT:], *updates[-1:], *samples])
        furthest = furthest_of(self._pace.furthest, step_said(self.run, header, life, clock=self._clock), *newest)
        is_open, away = life.status in OPEN, away_of(header)
        lately = self._pace.lately(away, is_open=is_open)
        goal = header.goals.get("total_timesteps")
        failure = header.failure
        series = None if episodes else self._series
        return Vitals(
            life=life,
            now=self._clock.time(),
            episodes=max(
                0 if evidence.reward_source else evidence.episodes.records,
                (beat.episodes if beat and life.status in OPEN else 0) or 0,
            ),
            updates=evidence.updates.records,
            env_step=furthest,
            goal=goal,
            progress=share_of(goal, furthest),
            left=seconds_left(goal, furthest, lately, is_open=is_open),
            steps_per_second=self._pace.over_the_run(away),
            recent_steps_per_second=lately,
            memory=_memory(samples, episodes),
            reward_source="" if series is None else series.source,
            levels=tuple(
                level
                for one in panel("episodes", "outcome")
                if (level := _level(one.name, episodes, evidence.episodes, self._quality))
            )
            if series is None
            else (_level_of(series),),
            metrics=tuple(
                found for one in panel("updates", "update") if (found := _metric(one.name, updates, evidence))
            ),
            diagnosis=self._diagnosis,
            evaluation=evaluations[0] if evaluations else None,
            events=tuple(last_records(self.run, "events", _EVENTS)),
            failure="" if failure is None else failure.text,
            trouble="",
        )


def plain(vitals: Vitals) -> dict[str, Any]:
    """The vital signs as plain values, for `--json`."""
    said = vitals._asdict()
    diagnosis = said.pop("diagnosis")
    said["levels"] = {level.name: level._asdict() for level in vitals.levels}
    said["metrics"] = {metric.name: metric._asdict() for metric in vitals.metrics}
    said["health_score"] = None if diagnosis is None else diagnosis.health_score
    said["findings"] = [] if diagnosis is None else diagnosis.findings
    found: dict[str, Any] = msgspec.to_builtins({"run_id": vitals.life.run_id, **said})
    return found


def _memory(samples: list[SystemSample], episodes: list[Episode]) -> float | None:
    said = [sample.memory for sample in samples] + [episode.memory for episode in episodes[-1:]]
    return next((memory for memory in said if memory is not None), None)


def _level(field: str, episodes: list[Episode], table: Table, quality: tuple[float | None, ...]) -> Level | None:
    is_share = field == "success"
    last = episodes[-RECENT:] if is_share else episodes
    said = [getattr(episode, field) for episode in last]
    recent = np.array([float(value) for value in said if value is not None])[-RECENT:]
    if not recent.size:
        return None
    finite = recent[np.isfinite(recent)]
    found = rate_interval(recent, independent=True) if is_share else mean_interval(recent)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(finite.mean()) if finite.size else float(recent[-1])
    return Level(
        name=field,
        mean=mean,
        low=_known(found.low),
        high=_known(found.high),
        share=is_share,
        not_finite=recent.size - finite.size,
        reported=recent.size,
        episodes=min(len(last), RECENT),
        spark=quality if field == "quality_final" else _spark(table, _IN_TABLE.get(field, field)),
    )


def _level_of(series: RewardSeries) -> Level:
    recent = series.values[-series.recent :]
    found = mean_interval(recent)
    bad = int(np.count_nonzero(~np.isfinite(recent)))
    return Level(
        name="reward",
        mean=series.level,
        low=_known(found.low),
        high=_known(found.high),
        share=False,
        not_finite=bad,
        reported=recent.size,
        episodes=0,
        spark=_parts(series.values),
    )


def _metric(name: str, updates: list[PolicyUpdate], evidence: Evidence) -> Metric | None:
    values = np.array([float(value) for update in updates if (value := getattr(update, name)) is not None])
    if not values.size:
        return None
    low, high = metric_of("updates", name).healthy_range or (None, None)
    return Metric(
        name=name,
        last=float(values[-1]),
        low=low,
        high=high,
        spark=_spark(evidence.updates, name),
    )


def _spark(table: Table, name: str) -> tuple[float | None, ...]:
    """The course over the whole run: blank where nothing was said, NaN where nothing that was said is finite."""
    means, bad = table.mean(name), table.not_finite(name)
    return _parts(np.where(np.isnan(means) & (bad > 0), np.inf, means))


def _stretches(values: Floats) -> tuple[float | None, ...]:
    return _parts(values) if np.isfinite(values).any() else ()


def _parts(values: Floats) -> tuple[float | None, ...]:
    return tuple(map(_stretch, np.array_split(values, min(SPARKS, values.size)))) if values.size else ()


def _stretch(part: Floats) -> float | None:
    finite = part[np.isfinite(part)]
    if finite.size:
        return float(finite.mean())
    return float("nan") if np.isinf(part).any() else None


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
