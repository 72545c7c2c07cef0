"""The account of a run, or of its last episodes: one value that every face of this package speaks from."""

from collections.abc import Iterable
from typing import Any

import duckdb
import msgspec
import numpy as np

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.pace import STEPS, Pace, furthest_of, share_of
from rlvitals.records import PolicyUpdate
from rlvitals.records.metrics import metric_of
from rlvitals.records.schema import Column as Kind
from rlvitals.records.schema import fields
from rlvitals.runs import Run
from rlvitals.runs.answer import Column
from rlvitals.runs.reward_series import RewardSeries, recent_of, reward_series
from rlvitals.runs.table import ask
from rlvitals.summary.baselines import Paired, against_baselines, named_lower
from rlvitals.summary.exploring import exploration_of, plain
from rlvitals.summary.life import OPEN, Life, away_of, life_of
from rlvitals.summary.measures import WINDOW, Floats, Measured, known, measure
from rlvitals.summary.pacing import episodes_per_minute, pace_in, paces_in, step_said
from rlvitals.summary.successes import Successes, as_floats, coded, successes

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
        steps_per_second: Environment steps a second, over all that this is about (`rlvitals.pace`).
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
    """What a run, or its end, comes to.

    Attributes:
        life: Where the run stands.
        window: Episodes (and updates) at most that this is about, the last ones; `None` for the whole run.
        episodes: Episodes that this is about.
        updates: Updates likewise.
        env_step: The furthest environment step that anything of the run says.
        progress: The share of the steps that it is to take that is done.
        measures: Each quantity of an episode that was said.
        metrics: Each metric of the updates that was said.
        success: Successes.
        ends: Why episodes ended, the most frequent first; those that reported no reason last. Empty if none did.
        speed: How fast it goes.
        baselines: The last evaluation against each baseline's.
        reward_source: What stands for the reward in `measures` where no episode was recorded (`runs.reward_series`);
            empty where that is of episodes.
        rewards: How many values the reward has.
        recent_rewards: How many of the last ones its recent level is taken over.
        exploration: What parameters were tried, if that was asked for (`rlvitals.analysis.exploration`, as dicts).
    """

    life: Life
    window: int | None
    episodes: int
    updates: int
    env_step: int | None
    progress: float | None
    measures: dict[str, Measured]
    metrics: dict[str, Measured]
    success: Successes
    ends: list[End]
    speed: Speed
    baselines: list[Paired]
    reward_source: str = ""
    rewards: int = 0
    recent_rewards: int = 0
    exploration: dict[str, Any] | None = None


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # what overflows is data here
def summarise(
    run: Run, *, window: int | None = None, exploration: bool = False, clock: Clock = SYSTEM_CLOCK
) -> RunSummary:
    """Sum up a run: live or finished, whole or its end. Branches that a rewind left behind are left out.

    Args:
        run: The run.
        window: Only the last so many episodes and updates.
        exploration: Whether the parameters that were tried are looked into, which takes seconds.
        clock: Tells the time.

    Raises:
        RunFormatError: A sealed segment is damaged.
        ValueError: The window is not positive.
    """
    if window is not None and window < 1:
        raise ValueError(f"window={window}: a window holds at least one episode")
    header = run.header
    episodes, updates, system, pace, windowed = ask(run, lambda tables: _columns(tables, window), *STEPS)
    life = life_of(run, header, clock=clock)
    times = as_floats(episodes["time"])
    furthest = furthest_of(pace.furthest, step_said(run, header, life, clock=clock))
    away = away_of(header)
    explored = exploration_of(run, window=window) if exploration else None
    series = None if times.size else reward_series(run)
    measures = _measured("episodes", episodes, MEASURES) if series is None else _measured_rewards(series, window)
    rewards = measures["reward"].counts.total if "reward" in measures else 0
    return RunSummary(
        life=life,
        window=window,
        episodes=times.size,
        updates=len(updates["time"]),
        env_step=furthest,
        progress=share_of(header.goals.get("total_timesteps"), furthest),
        measures=measures,
        metrics=_measured("updates", updates, UPDATE_METRICS),
        success=successes(episodes, header.goals.get("target")),
        ends=_ends(episodes["termination_reason"]),
        speed=Speed(
            episode_seconds=_mean(as_floats(episodes["duration"])),
            steps_per_second=windowed.over_the_run(away),
            recent_steps_per_second=pace.lately(away, is_open=life.status in OPEN),
            episodes_per_minute=episodes_per_minute(times).over_the_run(away),
            **_load(episodes, system),
        ),
        baselines=against_baselines(run.records("evaluations"), lower_is_better=named_lower(header.configuration)),
        reward_source="" if series is None else series.source,
        rewards=rewards,
        recent_rewards=min(rewards, WINDOW) if series is None else recent_of(rewards),
        exploration=None if explored is None else plain(explored),
    )


def _columns(
    tables: duckdb.DuckDBPyConnection, window: int | None
) -> tuple[dict[str, Column], dict[str, Column], dict[str, Column], Pace, Pace]:
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
        pace = pace_in(tables)
        return episodes, updates, system, pace, pace
    pace, windowed = paces_in(tables, -np.inf, float(times.min()))
    return episodes, updates, system, pace, windowed


def _measured(stream: str, columns: dict[str, Column], wanted: Iterable[str]) -> dict[str, Measured]:
    times = as_floats(columns["time"])
    found = {name: measure(columns[name], times, metric_of(stream, name).better) for name in wanted}
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
