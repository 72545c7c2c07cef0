"""The full summary of a run or of its last episodes, which contains the overview of the run."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.diagnosis import Diagnosis, diagnose, evidence_of
from rlvitals.records import PolicyUpdate
from rlvitals.records.metrics import metric_of
from rlvitals.records.objectives import custom_objectives, declared_directions
from rlvitals.records.schema import Column as Kind
from rlvitals.records.schema import fields
from rlvitals.runs import Run
from rlvitals.runs.answer import Column
from rlvitals.runs.reward_series import RewardSeries, recent_of, reward_series
from rlvitals.stats.series.course import Course
from rlvitals.summary.baselines import Paired, as_pairs
from rlvitals.summary.custom_metrics import CustomMetric, custom_metrics
from rlvitals.summary.measures import Floats, Measured, known, measure
from rlvitals.summary.overview import Overview, assessment_of, course_of_rewards, overview_of_columns
from rlvitals.summary.run_columns import MEASURES, RunColumns, read_columns
from rlvitals.summary.status import away_of
from rlvitals.summary.successes import Successes, as_floats, coded, successes
from rlvitals.summary.throughput import episodes_per_minute, throughput_of
from rlvitals.summary.tried_parameters import exploration_facts

UPDATE_METRICS = tuple(f.name for f in fields(PolicyUpdate) if f.column is Kind.NUMBER and f.name != "time")


class Speed(msgspec.Struct, frozen=True):
    """Speed of a training and its use of resources.

    Attributes:
        episode_seconds: Mean duration of an episode in seconds, if it was reported.
        steps_per_second: Environment steps per second over the summarised part (`rlvitals.records.progress`).
        episodes_per_minute: Episodes per minute over the summarised part.
        recent_steps_per_second: Environment steps per second over the last tenth of the run, at least 1 and at most 10
            minutes.
        memory: Current resident memory in MiB.
        memory_peak: Peak resident memory in MiB.
        gpu_memory_peak: Peak GPU memory in MiB.
        cpu_percent: Mean CPU use in per cent.
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
    """A reason why episodes ended.

    Attributes:
        reason: The reason. `None` for the episodes that reported none.
        episodes: Number of episodes.
        share: Share among the episodes with a reported reason. `None` for the episodes that reported none.
    """

    reason: str | None
    episodes: int
    share: float | None


class RunSummary(msgspec.Struct, frozen=True):
    """The full summary of a run, or of its last episodes.

    Attributes:
        overview: Overview of the whole run (`rlvitals.summary.overview`).
        window: Maximum number of last episodes and updates that the summary covers. `None` for the whole run.
        episodes: Number of episodes covered.
        updates: Number of updates covered.
        measures: Statistics of each reported quantity of an episode, and of each custom objective by its name.
        metrics: Statistics of each reported metric of the updates.
        custom_metrics: Custom metrics over the whole run, by name: `category/name` for a scalar, `updates.extra.name`
            for a value of updates that has no field.
        success: Successes.
        ends: Reasons why episodes ended, the most frequent first, then the episodes without a reason. Empty if no
            episode reported a reason.
        speed: Speed and use of resources.
        baselines: Comparison of the last evaluation with each baseline.
        exploration: Analysis of the explored parameters, if requested (`summary.tried_parameters.exploration_facts`).
    """

    overview: Overview
    window: int | None
    episodes: int
    updates: int
    measures: dict[str, Measured]
    metrics: dict[str, Measured]
    custom_metrics: dict[str, CustomMetric]
    success: Successes
    ends: list[End]
    speed: Speed
    baselines: list[Paired]
    exploration: dict[str, Any] | None = None


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # overflows are expected in the data
def summarise(
    run: Run,
    *,
    window: int | None = None,
    exploration: bool = False,
    diagnosis: Diagnosis | None = None,
    columns: RunColumns | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> RunSummary:
    """Summarise a run, live or finished, whole or its last part. Branches that a rewind left behind are ignored.

    Args:
        run: The run.
        window: Maximum number of the last episodes and updates. `None` for all.
        exploration: Whether to analyse the explored parameters, which takes seconds.
        diagnosis: Diagnosis of the run, if it is known already.
        columns: Columns of the run, if they have been read already.
        clock: Clock to use.

    Raises:
        RunFormatError: A sealed segment is damaged.
        ValueError: The window is not positive.
    """
    if window is not None and window < 1:
        raise ValueError(f"window={window}: a window holds at least one episode")
    whole = columns or read_columns(run)
    series = None if whole.episodes["time"].size else reward_series(run)
    rewards = whole.episodes["reward"] if series is None else series.values
    assessment = assessment_of(run, diagnosis or diagnose(evidence_of(run, clock=clock)), rewards)
    course = assessment.course
    overview = overview_of_columns(
        run,
        whole.episodes,
        whole.updates["time"].size,
        whole.pace,
        series=series,
        assessment=assessment,
        clock=clock,
    )
    episodes, updates, system, pace = whole.last(window)
    header, times = run.header, as_floats(episodes["time"])
    if window is not None:
        since = times if times.size else as_floats(updates["time"])
        pace = throughput_of(run, since=float(since.min())) if since.size else pace
        course = course_of_rewards(episodes["reward"]) if series is None else course
    explored = exploration_facts(run, window=window) if exploration else None
    return RunSummary(
        overview=overview,
        window=window,
        episodes=times.size,
        updates=len(updates["time"]),
        measures=_measured_episodes(header.configuration, episodes, course)
        if series is None
        else _measured_rewards(series, window),
        metrics=_measured_updates(updates),
        custom_metrics=custom_metrics(run),
        success=successes(episodes, header.goals.get("target"), custom_objectives(header.configuration)),
        ends=_ends(episodes["termination_reason"]),
        speed=Speed(
            episode_seconds=_mean(as_floats(episodes["duration"])),
            steps_per_second=pace.overall(away_of(header)),
            recent_steps_per_second=overview.recent_steps_per_second,
            episodes_per_minute=episodes_per_minute(times).overall(away_of(header)),
            **_load(episodes, system),
        ),
        baselines=as_pairs(assessment.diagnosis.baselines),
        exploration=explored,
    )


def _measured_episodes(
    configuration: Mapping[str, Any], columns: dict[str, Column], course: Course | None
) -> dict[str, Measured]:
    """Measure the quantities of an episode and the custom objectives."""
    times, directions = as_floats(columns["time"]), declared_directions(configuration)
    custom = {one.name: one.better for one in custom_objectives(configuration) if one.name in columns}
    better = {name: directions.get(name, metric_of("episodes", name).better) for name in MEASURES} | custom
    return _present(
        {
            name: measure(
                columns[name],
                times,
                direction,
                skewed=name in custom,
                found=course if name == "reward" and direction == "higher" else None,
            )
            for name, direction in better.items()
        }
    )


def _measured_updates(columns: dict[str, Column]) -> dict[str, Measured]:
    times = as_floats(columns["time"])
    return _present({name: measure(columns[name], times, metric_of("updates", name).better) for name in UPDATE_METRICS})


def _present(found: Mapping[str, Measured | None]) -> dict[str, Measured]:
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
