"""Substitutes for missing episode rewards: evaluations or a mean return of runs that recorded no episodes."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rlvitals.comparison.metric_source import LARGEST, Content, MetricBlocks, MetricExtent, MetricSource
from rlvitals.comparison.result import Axis
from rlvitals.formatting import listed
from rlvitals.runs import Run
from rlvitals.runs.reward_series import RewardSeries, reward_series

_REWARD = "episodes.reward"
_MOST_NAMED = 5

Substitutes = Mapping[str, RewardSeries]
"""Reward series of runs without episodes, by label."""


def substitutes_of(
    runs: Sequence[Run], labels: Sequence[str], found: Mapping[str, MetricExtent], source: MetricSource, axis: Axis
) -> Substitutes:
    """Find the reward series that replace the rewards of runs without episodes.

    Args:
        runs: The runs.
        labels: Labels of the runs.
        found: Runs that have the metric.
        source: The metric. Only episode rewards have substitutes.
        axis: The axis. There are no substitutes along episodes or updates.
    """
    from rlvitals.runs.queries import last_records  # noqa: PLC0415 - loads duckdb, which a trainer does not need

    if source.name != _REWARD or axis not in {"env_step", "time"}:
        return {}
    without = [
        (label, run)
        for run, label in zip(runs, labels, strict=True)
        if label not in found and not last_records(run, "episodes", 1)
    ]
    series = {label: reward_series(run) for label, run in without}
    return {label: one for label, one in series.items() if one is not None and np.isfinite(_places(one, axis)).any()}


def extent_of(series: RewardSeries, axis: Axis) -> MetricExtent:
    """Return the extent of a series along an axis."""
    places = _places(series, axis)
    placed = np.isfinite(places)
    return MetricExtent(
        values=int(placed.sum()),
        not_finite=int((placed & ~_is_finite(series.values)).sum()),
        reached=float(places[placed].max()),
        places=int(np.unique(places[placed]).size),
    )


def content_of(series: RewardSeries) -> Content:
    """Return the digest of a series. It is equal for equal series."""
    rows = hash((series.tag, series.steps.tobytes(), series.values.tobytes()))
    return Content(rows, hash(series.times.tobytes()), int(np.unique(series.values).size))


def fill(measured: MetricBlocks, labels: Sequence[str], substitutes: Substitutes, axis: Axis) -> None:
    """Write the block means of the series into the rows of their runs."""
    for row, label in enumerate(labels):
        if label not in substitutes:
            continue
        series, ends = substitutes[label], measured.places[row]
        places = _places(series, axis)
        used = (places <= ends[-1]) & _is_finite(series.values)
        blocks = np.clip(np.ceil(places[used] / ends[0]).astype(np.int64) - 1, 0, ends.size - 1)
        counts = np.bincount(blocks, minlength=ends.size)
        sums = np.bincount(blocks, weights=series.values[used], minlength=ends.size)
        measured.counts[row] = counts
        measured.means[row] = np.divide(sums, counts, out=np.full(ends.size, np.nan), where=counts > 0)


def notes_on(substitutes: Substitutes) -> Iterator[str]:
    """State which values replace which rewards, and the effect on the comparison."""
    by_source: dict[str, list[str]] = {}
    for label, series in substitutes.items():
        by_source.setdefault(series.source, []).append(label)
    for source, runs in by_source.items():
        have, whose = ("has", "Its") if len(runs) == 1 else ("have", "Their")
        yield f"{listed(runs, _MOST_NAMED)} {have} no episodes. {whose} reward is the {source}."
    if len(by_source) > 1:
        yield "These rewards are measured in different ways, so a difference can have other causes than the policies."


def _places(series: RewardSeries, axis: Axis) -> NDArray[np.float64]:
    return series.times - series.times.min() if axis == "time" else series.steps


def _is_finite(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.abs(values) < LARGEST
