"""How a run went, in a few hundred numbers.

The database and NumPy count: no record becomes a Python object, so that a million episodes take half a second.
"""

import itertools
from typing import Any

import duckdb
import msgspec
import numpy as np
from numpy.typing import NDArray

from rlvitals.records import PolicyUpdate
from rlvitals.records.progress import STEPS
from rlvitals.records.schema import Column, fields
from rlvitals.runs import Run
from rlvitals.runs.queries import ask, last_records
from rlvitals.runs.reward_series import RewardSeries, reward_series
from rlvitals.stats.series.description import describe

BEST_WINDOW = 100
"""Episodes in the best window, at most."""
CURVE_POINTS = 60
RECENT_UPDATES = 10
LAST_EVENTS = 10
LAST_EVALUATIONS = 8

_MEASURES = ("reward", "length", "quality_final", "quality_improvement")
_METRICS = tuple(field.name for field in fields(PolicyUpdate) if field.column is Column.NUMBER and field.name != "time")

Floats = NDArray[np.float64]
Columns = dict[str, np.ma.MaskedArray[Any, Any]]


class Measure(msgspec.Struct):
    """One quantity in some episodes: its finite values described, and how many are not finite."""

    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    median: float | None = None
    not_finite: int = 0


class Stretch(msgspec.Struct):
    """Episodes in a row, counted from 0: from the first to before the end."""

    first: int
    end: int
    measures: dict[str, Measure]
    success_rate: float | None
    success_reported: int


class Point(msgspec.Struct):
    """Some episodes in a row on the reward's curve: the mean of the finite rewards, and how many are not finite."""

    mean: float | None
    not_finite: int


class EpisodeGroup(msgspec.Struct):
    """The episodes that have something in common. Means are over finite values.

    Attributes:
        success_rate: Share of successes among those that reported success or failure; `None` if none did.
        success_reported: How many did.
    """

    name: str | None
    episodes: int
    success_rate: float | None
    success_reported: int
    reward: float | None
    quality_improvement: float | None


class MetricHistory(msgspec.Struct):
    """One metric of the policy updates.

    Attributes:
        first: In the first update that said it.
        last: In the last update.
        recent: Mean of the finite ones among the last ten updates.
        not_finite: Updates in which it was not finite.
        not_finite_since: The step of the first of those.
    """

    first: float
    last: float | None
    recent: float | None
    not_finite: int
    not_finite_since: int | None


class Load(msgspec.Struct):
    """What it takes of the machine: memory at its peak (MiB)."""

    memory_peak: float | None
    gpu_memory_peak: float | None


class History(msgspec.Struct):
    """How a run went. Rows of evaluations and events are the last few, in the order of time.

    Attributes:
        algorithm: What the last episode said of the algorithm; for runs that log no updates.
        reward_source: What stands for the reward in `curve` and `stretches` where no episode was recorded
            (`runs.reward_series`); empty where they are of episodes.
        rewards: How many values these are of: episodes, or values of that source.
    """

    episodes: int
    updates: int
    stretches: dict[str, Stretch]
    curve: list[Point]
    categories: list[EpisodeGroup]
    terminations: list[EpisodeGroup]
    metrics: dict[str, MetricHistory]
    algorithm: dict[str, float]
    evaluations_total: int
    evaluations: list[dict[str, Any]]
    events_total: int
    events: list[dict[str, Any]]
    load: Load
    reward_source: str = ""
    rewards: int = 0


def history_of(run: Run) -> History:
    """Sum up what a run recorded; branches that a rewind left behind are left out.

    Args:
        run: The run.

    Raises:
        RunFormatError: A sealed segment is damaged.
    """
    history = ask(run, _history, *STEPS, "events")
    history.rewards = history.episodes
    if not history.episodes and (series := reward_series(run)) is not None:
        _take_rewards(history, series)
    if not history.updates:
        history.algorithm = next((episode.algorithm or {} for episode in last_records(run, "episodes", 1)), {})
    return history


def best_window(values: Floats, width: int) -> int | None:
    """Where the window with the largest mean begins; the first of several.

    Args:
        values: Numbers, shape `(n,)`.
        width: Numbers in a window; windows that hold one that is not finite are passed over.

    Returns:
        The index of the window's first number; `None` if there is no such window.
    """
    if not 1 <= width <= len(values):
        return None
    finite = np.isfinite(values)
    # Scaled, so that sums of the largest floats stay finite.
    scale = float(np.abs(values[finite]).max(initial=0.0)) or 1.0
    sums = np.concatenate(([0.0], np.cumsum(np.where(finite, values / scale, 0.0))))
    gaps = np.concatenate(([0], np.cumsum(~finite)))
    totals = np.where(gaps[width:] == gaps[:-width], sums[width:] - sums[:-width], -np.inf)
    best = int(totals.argmax())
    return best if np.isfinite(totals[best]) else None


def _history(tables: duckdb.DuckDBPyConnection) -> History:
    episodes = _columns(
        tables,
        "SELECT reward, length::DOUBLE AS length, quality_final, quality_improvement, success::DOUBLE AS success "
        "FROM episodes",
    )
    updates = _columns(tables, f"SELECT step, {', '.join(_METRICS)} FROM updates")  # noqa: S608 - our fields
    categories, terminations = _groups(tables)
    evaluations_total, evaluations = _last_rows(tables, "evaluations", LAST_EVALUATIONS)
    events_total, events = _last_rows(tables, "events", LAST_EVENTS)
    return History(
        episodes=len(episodes["reward"]),
        updates=len(updates["step"]),
        stretches=_stretches(episodes),
        curve=_curve(episodes["reward"]),
        categories=categories,
        terminations=terminations,
        metrics=_metrics(updates),
        algorithm={},
        evaluations_total=evaluations_total,
        evaluations=evaluations,
        events_total=events_total,
        events=events,
        load=_load(tables),
    )


def _take_rewards(history: History, series: RewardSeries) -> None:
    """Let a series stand for the rewards of episodes that were not recorded."""
    silent = np.ma.array(np.zeros(series.values.size), mask=True)
    columns: Columns = dict.fromkeys((*_MEASURES, "success"), silent)
    columns["reward"] = np.ma.asarray(series.values)
    history.reward_source, history.rewards = series.source, series.values.size
    history.curve, history.stretches = _curve(columns["reward"]), _stretches(columns)


def _columns(tables: duckdb.DuckDBPyConnection, sql: str) -> Columns:
    """Columns as arrays in which what is absent is masked, and what is not finite is not."""
    return {name: np.ma.asarray(column) for name, column in tables.execute(sql).fetchnumpy().items()}


def _stretches(episodes: Columns) -> dict[str, Stretch]:
    total = len(episodes["reward"])
    if not total:
        return {}
    tenth = max(1, total // 10)
    places = {"first_tenth": (0, tenth), "last_tenth": (total - tenth, total)}
    width = min(BEST_WINDOW, tenth)
    best = best_window(episodes["reward"].filled(np.nan), width)
    if best is not None:
        places["best_window"] = (best, best + width)
    places["whole_run"] = (0, total)
    return {name: _stretch(episodes, first, end) for name, (first, end) in places.items()}


def _stretch(episodes: Columns, first: int, end: int) -> Stretch:
    said = {name: episodes[name][first:end].compressed() for name in (*_MEASURES, "success")}
    return Stretch(
        first=first,
        end=end,
        measures={name: _measure(said[name]) for name in _MEASURES if said[name].size},
        success_rate=float(said["success"].mean()) if said["success"].size else None,
        success_reported=int(said["success"].size),
    )


def _measure(said: Floats) -> Measure:
    bad = said.size - int(np.isfinite(said).sum())
    if bad == said.size:
        return Measure(not_finite=bad)
    with np.errstate(over="ignore", invalid="ignore"):  # the spread of the largest floats has no float
        return Measure(**describe(said), not_finite=bad)


def _curve(rewards: np.ma.MaskedArray[Any, Any]) -> list[Point]:
    parts = min(CURVE_POINTS, len(rewards))
    edges = [len(rewards) * place // parts for place in range(parts + 1)] if parts else []
    return [_point(rewards[first:end].compressed()) for first, end in itertools.pairwise(edges)]


def _point(said: Floats) -> Point:
    finite = said[np.isfinite(said)]
    with np.errstate(over="ignore"):
        return Point(float(finite.mean()) if finite.size else None, said.size - finite.size)


def _groups(tables: duckdb.DuckDBPyConnection) -> tuple[list[EpisodeGroup], list[EpisodeGroup]]:
    """The categories and the ends; by one scan, as reading is what takes time."""
    rows = tables.execute(
        """
        SELECT grouping(termination_reason) = 1, coalesce(category, termination_reason), count(*),
               avg(success::DOUBLE), count(success), avg(reward) FILTER (isfinite(reward)),
               avg(quality_improvement) FILTER (isfinite(quality_improvement))
        FROM episodes GROUP BY GROUPING SETS ((category), (termination_reason)) ORDER BY 3 DESC, 2
        """
    ).fetchall()
    groups: dict[bool, list[EpisodeGroup]] = {True: [], False: []}
    for by_category, *group in rows:
        groups[by_category].append(EpisodeGroup(*group))
    return groups[True], groups[False]


def _metrics(updates: Columns) -> dict[str, MetricHistory]:
    said = {name: updates[name] for name in _METRICS if updates[name].count()}
    return {name: _metric(column, updates["step"]) for name, column in said.items()}


def _metric(column: np.ma.MaskedArray[Any, Any], steps: np.ma.MaskedArray[Any, Any]) -> MetricHistory:
    bad = ~np.isfinite(column.filled(0.0))
    return MetricHistory(
        first=float(column.compressed()[0]),
        last=None if np.ma.getmaskarray(column)[-1] else float(column[-1]),
        recent=_measure(column[-RECENT_UPDATES:].compressed()).mean,
        not_finite=int(bad.sum()),
        not_finite_since=int(steps[bad.argmax()]) if bad.any() else None,
    )


def _last_rows(tables: duckdb.DuckDBPyConnection, stream: str, most: int) -> tuple[int, list[dict[str, Any]]]:
    """How many records a stream has, and the last of them in the order of time, without what is absent."""
    view = tables.view(stream)
    total = view.shape[0]
    rows = view.limit(most, offset=max(0, total - most)).fetchall()
    # Several write at once: what was said last need not have happened last.
    named = sorted((dict(zip(view.columns, row, strict=True)) for row in rows), key=lambda row: row["time"])
    return total, [{name: value for name, value in row.items() if value is not None} for row in named]


def _load(tables: duckdb.DuckDBPyConnection) -> Load:
    return Load(*(tables.execute("SELECT max(memory), max(gpu_memory) FROM system").fetchone() or (None, None)))
