"""The full summary of a run, or of its last episodes. It contains the overview of the run."""

from collections.abc import Iterable
from typing import Any

import duckdb
import msgspec
import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.diagnosis import Diagnosis, diagnose, evidence_of
from rlvitals.records import PolicyUpdate
from rlvitals.records.metrics import metric_of
from rlvitals.records.progress import STEPS, Throughput
from rlvitals.records.schema import Column as Kind
from rlvitals.records.schema import fields
from rlvitals.runs import Run
from rlvitals.runs.answer import Column
from rlvitals.runs.queries import ask
from rlvitals.runs.reward_series import RewardSeries, recent_of, reward_series
from rlvitals.stats.series.course import Course
from rlvitals.summary.baselines import Paired, against_baselines, named_lower
from rlvitals.summary.measures import Floats, Measured, known, measure
from rlvitals.summary.overview import (
    Assessment,
    Overview,
    OverviewInputs,
    course_of_rewards,
    overview_from,
    overview_of,
)
from rlvitals.summary.status import away_of, state_of
from rlvitals.summary.successes import Successes, as_floats, coded, successes
from rlvitals.summary.throughput import episodes_per_minute, reported_step, throughput_in, throughputs_in
from rlvitals.summary.tried_parameters import exploration_of, plain

MEASURES = ("reward", "quality_final", "quality_improvement", "quality_initial", "length", "duration", "memory")
"""The quantities of an episode."""
UPDATE_METRICS = tuple(f.name for f in fields(PolicyUpdate) if f.column is Kind.NUMBER and f.name != "time")

_EPISODE_COLUMNS = (
    "time",
    *MEASURES,
    "success",
    "category",
    "difficulty",
    "termination_reason",
)
_SYSTEM_COLUMNS = ("memory", "cpu_percent", "gpu_memory")


class Speed(msgspec.Struct, frozen=True):
    """How fast the training goes, and what it takes.

    Attributes:
        episode_seconds: Mean duration of an episode, where it was said.
        steps_per_second: Environment steps a second, over all that this is about (`rlvitals.records.progress`).
        episodes_per_minute: Likewise.
        recent_steps_per_second: Lately: over the last tenth of the run, at least a minute and at most ten.
        memory: Resident memory now (MiB), and its peak.
        cpu_percent: Mean.
    """

    episode_seconds: float | None
    steps_per_second: float | None
    episodes_per_minute: float | None
    recent_steps_per_second: float | None
    memory: float | None
    memory_peak: float | None
    gpu_memory_peak: float | None
    cpu_percent: float | None


class End(msgspec.Struct, frozen=True):
    """Why episodes ended.

    Attributes:
        reason: The reason; `None` for the episodes that reported none.
        share: Of the episodes that reported a reason; `None` for those that did not.
    """

    reason: str | None
    episodes: int
    share: float | None


class RunSummary(msgspec.Struct, frozen=True):
    """The full summary of a run, or of its last episodes.

    Attributes:
        overview: The overview of the whole run (`rlvitals.summary.overview`).
        window: Episodes (and updates) at most that this is about, the last ones; `None` for the whole run.
        episodes: Episodes that this is about.
        updates: Updates likewise.
        measures: Each quantity of an episode that was said.
        metrics: Each metric of the updates that was said.
        success: Successes.
        ends: Why episodes ended, the most frequent first; those that reported no reason last. Empty if none did.
        speed: How fast it goes.
        baselines: The last evaluation against each baseline's.
        exploration: What parameters were tried, if that was asked for (`stats.parameters.exploration`, as dicts).
    """

    overview: Overview
    window: int | None
    episodes: int
    updates: int
    measures: dict[str, Measured]
    metrics: dict[str, Measured]
    success: Successes
    ends: list[End]
    speed: Speed
    baselines: list[Paired]
    exploration: dict[str, Any] | None = None


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what overflows is data here
def summarise(
    run: Run,
    *,
    window: int | None = None,
    exploration: bool = False,
    diagnosis: Diagnosis | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> RunSummary:
    """Sum up a run: live or finished, whole or its end. Branches that a rewind left behind are left out.

    Args:
        run: The run.
        window: Only the last so many episodes and updates.
        exploration: Whether the parameters that were tried are looked into, which takes seconds.
        diagnosis: What is wrong with it, where that is known already.
        clock: Tells the time.

    Raises:
        RunFormatError: A sealed segment is damaged.
        ValueError: The window is not positive.
    """
    if window is not None and window < 1:
        raise ValueError(f"window={window}: a window holds at least one episode")
    episodes, updates, system, pace, windowed = ask(run, lambda tables: _columns(tables, window), *STEPS)
    times = as_floats(episodes["time"])
    header, episode_pace = run.header, episodes_per_minute(times)
    series = None if times.size else reward_series(run)
    went = course_of_rewards(episodes["reward"] if series is None else series.values)
    diagnosis = diagnosis or diagnose(evidence_of(run, clock=clock))
    if window is None:
        state = state_of(run, header, clock=clock)
        overview = overview_from(
            OverviewInputs(
                header=header,
                state=state,
                episodes=times.size,
                updates=len(updates["time"]),
                steps=(reported_step(run, header, state, clock=clock),),
                columns=episodes,
                first=episodes,
                pace=pace,
                episode_pace=episode_pace,
                series=series,
                assessment=Assessment(diagnosis, went),
            )
        )
    else:
        overview = overview_of(run, diagnosis=diagnosis, clock=clock)
    explored = exploration_of(run, window=window) if exploration else None
    return RunSummary(
        overview=overview,
        window=window,
        episodes=times.size,
        updates=len(updates["time"]),
        measures=_measured("episodes", episodes, MEASURES, {"reward": went})
        if series is None
        else _measured_rewards(series, window),
        metrics=_measured("updates", updates, UPDATE_METRICS, {}),
        success=successes(episodes, header.goals.get("target")),
        ends=_ends(episodes["termination_reason"]),
        speed=Speed(
            episode_seconds=_mean(as_floats(episodes["duration"])),
            steps_per_second=windowed.overall(away_of(header)),
            recent_steps_per_second=overview.recent_steps_per_second,
            episodes_per_minute=episode_pace.overall(away_of(header)),
            **_load(episodes, system),
        ),
        baselines=against_baselines(run.records("evaluations"), lower_is_better=named_lower(header.configuration)),
        exploration=None if explored is None else plain(explored),
    )


def _columns(
    tables: duckdb.DuckDBPyConnection, window: int | None
) -> tuple[dict[str, Column], dict[str, Column], dict[str, Column], Throughput, Throughput]:
    """The columns, the pace of the whole run, and that since the first record of the window."""
    wanted = {
        "episodes": _EPISODE_COLUMNS,
        "updates": ("time", *UPDATE_METRICS),
        "system": _SYSTEM_COLUMNS,
    }
    read: list[dict[str, Column]] = []
    for stream, names in wanted.items():
        offset = 0
        if window is not None and stream != "system":
            ((total,),) = tables.execute(f"SELECT count(*) FROM {stream}").fetchall()  # noqa: S608 - our names
            offset = max(0, total - window)
        found = tables.execute(f"SELECT {', '.join(names)} FROM {stream} OFFSET {offset}").fetchnumpy()  # noqa: S608
        read.append({name: np.ma.asarray(column) for name, column in found.items()})
    episodes, updates, system = read
    times = (episodes if episodes["time"].size else updates)["time"]
    if window is None or not times.size:
        pace = throughput_in(tables)
        return episodes, updates, system, pace, pace
    pace, windowed = throughputs_in(tables, -np.inf, float(times.min()))
    return episodes, updates, system, pace, windowed


def _measured(
    stream: str, columns: dict[str, Column], wanted: Iterable[str], courses: dict[str, Course | None]
) -> dict[str, Measured]:
    times = as_floats(columns["time"])
    found = {
        name: measure(columns[name], times, metric_of(stream, name).better, found=courses.get(name)) for name in wanted
    }
    return {name: measured for name, measured in found.items() if measured is not None}


def _measured_rewards(series: RewardSeries, window: int | None) -> dict[str, Measured]:
    values, times = (column[-(window or column.size) :] for column in (series.values, series.times))
    found = measure(np.ma.asarray(values), times, metric_of("episodes", "reward").better, recent=recent_of(values.size))
    return {} if found is None else {"reward": found}


def _ends(reasons: Column) -> list[End]:
    labels, codes = coded(reasons)
    reported = int(np.count_nonzero(codes >= 0))
    counts = [int(np.count_nonzero(codes == place)) for place in range(len(labels))]
    ends = [End(reason, count, count / reported) for reason, count in zip(labels, counts, strict=True)]
    ends.sort(key=lambda end: -end.episodes)
    silent = codes.size - reported
    return [*ends, End(None, silent, None)] if ends and silent else ends


def _load(episodes: dict[str, Column], system: dict[str, Column]) -> dict[str, float | None]:
    memory = as_floats(system["memory"])
    memory = memory if np.isfinite(memory).any() else as_floats(episodes["memory"])
    return {
        "memory": _last(memory),
        "memory_peak": _greatest(memory),
        "gpu_memory_peak": _greatest(as_floats(system["gpu_memory"])),
        "cpu_percent": _mean(as_floats(system["cpu_percent"])),
    }


def _mean(values: Floats) -> float | None:
    finite = values[np.isfinite(values)]
    return known(float(finite.mean())) if finite.size else None


def _last(values: Floats) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if finite.size else None


def _greatest(values: Floats) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if finite.size else None
