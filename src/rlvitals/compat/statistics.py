"""Summary statistics of a training, with the keys of the public interface."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rlvitals.records import Episode, PolicyUpdate
from rlvitals.records.schema import Column, fields
from rlvitals.stats.series.description import describe

_SECONDS_PER_MINUTE = 60.0
_UPDATE_METRICS = tuple(
    field.name for field in fields(PolicyUpdate) if field.column is Column.NUMBER and field.name != "time"
)


def window_statistics(
    episodes: Sequence[Episode],
    updates: Sequence[PolicyUpdate],
    *,
    session_id: str,
    total_episodes: int,
    training_seconds: float,
    episodes_per_minute: float | None,
) -> dict[str, Any]:
    """Return statistics of the episodes and updates in a window.

    Args:
        episodes: Episodes, oldest first.
        updates: Updates, oldest first.
        session_id: Name of the run.
        total_episodes: Number of episodes in the whole run.
        training_seconds: Training duration in seconds.
        episodes_per_minute: Episodes per minute from the records. `None` to compute the rate from `training_seconds`.

    Returns:
        The keys of `docs/reference/api.md`, with a `message` before the first episode.
    """
    minutes = training_seconds / _SECONDS_PER_MINUTE
    if episodes_per_minute is None:
        episodes_per_minute = total_episodes / minutes if minutes > 0 else 0.0
    info = {
        "session_id": session_id,
        "total_episodes": total_episodes,
        "window_episodes": len(episodes),
        "training_time_minutes": minutes,
        "episodes_per_minute": episodes_per_minute,
    }
    # First, so that a custom metric named `reward` does not replace a fixed key.
    metrics = {f"{name}_stats": _brief(values) for name, values in metric_series(episodes, updates).items()}
    if not episodes:
        return {**metrics, "session_info": info, "message": "no episode finished yet"}
    qualities = [e.quality_improvement for e in episodes if e.quality_improvement is not None]
    lengths = [e.length for e in episodes]
    return {
        **metrics,
        "session_info": info,
        "reward_stats": _described([e.reward for e in episodes]),
        "quality_stats": _described(qualities),
        "episode_stats": {
            "mean_length": sum(lengths) / len(lengths),
            "success_rate": success_rate(episodes),
            "total_successful": sum(e.success is True for e in episodes),
        },
        "logo_type_performance": _by_category(episodes),
    }


def success_rate(episodes: Iterable[Episode]) -> float:
    """Return the success rate of the episodes that report success, or 0 if none does."""
    said = [episode.success for episode in episodes if episode.success is not None]
    return sum(said) / len(said) if said else 0.0


def metric_series(episodes: Sequence[Episode], updates: Sequence[PolicyUpdate]) -> dict[str, list[float]]:
    """Return the values of each PPO metric: from the updates, or else from the episodes."""
    series: dict[str, list[float]] = {}
    for episode in episodes:
        for name, value in (episode.algorithm or {}).items():
            series.setdefault(name, []).append(value)
    from_updates: dict[str, list[float]] = {}
    for update in updates:
        for name in _UPDATE_METRICS:
            value = getattr(update, name)
            if value is not None:
                from_updates.setdefault(name, []).append(value)
    return series | from_updates


def _described(values: Sequence[float]) -> dict[str, float]:
    """Describe the finite values, and count the non-finite ones."""
    return {**describe(values), "not_finite": sum(not math.isfinite(value) for value in values)}


def _brief(values: list[float]) -> dict[str, float]:
    described = describe(values)
    return {"mean": described["mean"], "std": described["std"], "latest": values[-1]}


def _by_category(episodes: Sequence[Episode]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[Episode]] = {}
    for episode in episodes:
        if episode.category is not None:
            groups.setdefault(episode.category, []).append(episode)
    return {
        category: {
            "count": len(group),
            "mean_quality": describe([e.quality_improvement for e in group if e.quality_improvement is not None])[
                "mean"
            ],
            "success_rate": success_rate(group),
        }
        for category, group in groups.items()
    }
