"""The full summary of a run, or of its last episodes. It contains the overview of the run."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.diagnosis import Diagnosis, diagnose, evidence_of
from rlvitals.records import PolicyUpdate
from rlvitals.records.metrics import metric_of
from rlvitals.records.schema import Column as Kind
from rlvitals.records.schema import fields
from rlvitals.runs import Run
from rlvitals.runs.answer import Column
from rlvitals.runs.reward_series import RewardSeries, recent_of, reward_series
from rlvitals.stats.series.course import Course
from rlvitals.summary.baselines import Paired, against_baselines, named_lower
from rlvitals.summary.measures import Floats, Measured, known, measure
from rlvitals.summary.overview import Assessment, Overview, course_of_rewards, overview_of_columns
from rlvitals.summary.run_columns import MEASURES, RunColumns, read_columns
from rlvitals.summary.status import away_of
from rlvitals.summary.successes import Successes, as_floats, coded, successes
from rlvitals.summary.throughput import episodes_per_minute, throughput_of
from rlvitals.summary.tried_parameters import exploration_of, plain

UPDATE_METRICS = tuple(f.name for f in fields(PolicyUpdate) if f.column is Kind.NUMBER and f.name != "time")


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
    columns: RunColumns | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> RunSummary:
    """Sum up a run: live or finished, whole or its end. Branches that a rewind left behind are left out.

    Args:
        run: The run.
        window: Only the last so many episodes and updates.
        exploration: Whether the parameters that were tried are looked into, which takes seconds.
        diagnosis: What is wrong with it, where that is known already.
        columns: Its columns, where they have been read already.
        clock: Tells the time.

    Raises:
        RunFormatError: A sealed segment is damaged.
        ValueError: The window is not positive.
    """
    if window is not None and window < 1:
        raise ValueError(f"window={window}: a window holds at least one episode")
    whole = columns or read_columns(run)
    series = None if whole.episodes["time"].size else reward_series(run)
    course = course_of_rewards(whole.episodes["reward"] if series is None else series.values)
    overview = overview_of_columns(
        run,
        whole.episodes,
        whole.updates["time"].size,
        whole.pace,
        series=series,
        assessment=Assessment(diagnosis or diagnose(evidence_of(run, clock=clock)), course),
        clock=clock,
    )
    episodes, updates, system, pace = whole.last(window)
    header, times = run.header, as_floats(episodes["time"])
    if window is not None:
        since = times if times.size else as_floats(updates["time"])
        pace = throughput_of(run, since=float(since.min())) if since.size else pace
        course = course_of_rewards(episodes["reward"]) if series is None else course
    explored = exploration_of(run, window=window) if exploration else None
    return RunSummary(
        overview=overview,
        window=window,
        episodes=times.size,
        updates=len(updates["time"]),
        measures=_measured("episodes", episodes, MEASURES, {"reward": course})
        if series is None
        else _measured_rewards(series, window),
        metrics=_measured("updates", updates, UPDATE_METRICS, {}),
        success=successes(episodes, header.goals.get("target")),
        ends=_ends(episodes["termination_reason"]),
        speed=Speed(
            episode_seconds=_mean(as_floats(episodes["duration"])),
            steps_per_second=pace.overall(away_of(header)),
            recent_steps_per_second=overview.recent_steps_per_second,
            episodes_per_minute=episodes_per_minute(times).overall(away_of(header)),
            **_load(episodes, system),
        ),
        baselines=against_baselines(run.records("evaluations"), lower_is_better=named_lower(header.configuration)),
        exploration=None if explored is None else plain(explored),
    )


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
