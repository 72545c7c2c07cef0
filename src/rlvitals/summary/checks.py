"""Checks of a training's data, progress, stability, files and sinks."""

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rlvitals.analysis.convergence import convergence
from rlvitals.analysis.trend import trend
from rlvitals.records import Episode, PolicyUpdate
from rlvitals.summary.statistics import metric_series

HEALTHY, WARNING, CRITICAL = "healthy", "warning", "critical"
RANK = {HEALTHY: 0, WARNING: 1, CRITICAL: 2}

_COST = {HEALTHY: 0.0, WARNING: 0.1, CRITICAL: 0.4}
_RECENT = 100
_LITTLE_SPACE = 1 << 30
_NO_SPACE = 64 << 20
_MIB = 1 << 20

Check = dict[str, Any]


def data_completeness(episodes: Sequence[Episode], updates: Sequence[PolicyUpdate], lost: Mapping[str, int]) -> Check:
    """Whether what was logged is all there: numbers of episodes without gaps, and nothing lost on the way."""
    numbers = sorted({episode.episode for episode in episodes})
    skipped = numbers[-1] - numbers[0] + 1 - len(numbers) if numbers else 0
    missing = {where: count for where, count in lost.items() if count}
    said = {
        "episodes": len(episodes),
        "updates": len(updates),
        "episode_numbers_skipped": skipped,
        "lost": missing,
    }
    if not episodes and not updates:
        return _check(WARNING, "nothing was logged yet", **said)
    if missing:
        named = ", ".join(f"{count} by {where}" for where, count in missing.items())
        return _check(CRITICAL if "records" in missing else WARNING, f"not kept: {named}", **said)
    if skipped:
        return _check(WARNING, f"{skipped} episode numbers between {numbers[0]} and {numbers[-1]} are missing", **said)
    return _check(HEALTHY, f"{len(episodes)} episodes and {len(updates)} updates, none missing", **said)


def metric_validity(episodes: Sequence[Episode], updates: Sequence[PolicyUpdate]) -> Check:
    """Whether every number is one: NaN and infinities, in all metrics of the window."""
    series: dict[str, Sequence[float]] = {"reward": [episode.reward for episode in episodes]}
    for name in ("quality_initial", "quality_final", "quality_improvement"):
        series[name] = [value for episode in episodes if (value := getattr(episode, name)) is not None]
    series |= metric_series(episodes, updates)
    bad = {name: sum(not math.isfinite(value) for value in values) for name, values in series.items()}
    bad = {name: count for name, count in bad.items() if count}
    late = [name for name in bad if any(not math.isfinite(value) for value in series[name][-_RECENT:])]
    if not bad:
        return _check(HEALTHY, "every value is finite", not_finite={})
    named = ", ".join(f"{name} ({count})" for name, count in bad.items())
    return _check(CRITICAL if late else WARNING, f"not finite: {named}", not_finite=bad)


def training_progress(episodes: Sequence[Episode]) -> Check:
    """Where the reward is going."""
    going = trend([episode.reward for episode in episodes])
    said = {"trend": going.verdict, "change_in_noise": None if math.isnan(going.effect) else going.effect}
    if going.verdict == "declining":
        return _check(WARNING, "the reward declines", **said)
    words = {"not enough data": "too few episodes to say where the reward is going"}
    return _check(HEALTHY, words.get(going.verdict, f"the reward is {going.verdict}"), **said)


def training_stability(episodes: Sequence[Episode]) -> Check:
    """Whether a level that was reached has been held."""
    rest = convergence([episode.reward for episode in episodes])
    said = {"convergence": rest.status, "below_best": None if math.isnan(rest.below_best) else rest.below_best}
    if not math.isnan(rest.regressed):
        at = episodes[min(int(rest.regressed), len(episodes) - 1)].episode
        return _check(WARNING, f"a better level of the reward was lost at episode {at}", lost_at=at, **said)
    return _check(HEALTHY, "no level that was reached was lost", **said)


def file_system(path: Path, troubles: Mapping[str, str]) -> Check:
    """Whether the run's folder is there, can be written, and has room."""
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        return _check(CRITICAL, f"{path} cannot be reached: {error.strerror}", free_mib=None, troubles=dict(troubles))
    said = {"free_mib": free / _MIB, "troubles": dict(troubles)}
    if troubles:
        return _check(CRITICAL, "; ".join(troubles.values()), **said)
    if free < _LITTLE_SPACE:
        return _check(CRITICAL if free < _NO_SPACE else WARNING, f"{free // _MIB} MiB are left on the disk", **said)
    return _check(HEALTHY, "the run is written where it should be", **said)


def external_logging(sinks: Sequence[str], troubles: Mapping[str, str], lost: Mapping[str, int]) -> Check:
    """Whether the sinks take what they are given."""
    said = {"sinks": list(sinks), "troubles": dict(troubles), "dropped": {k: n for k, n in lost.items() if n}}
    if troubles:
        return _check(WARNING, "; ".join(f"{name}: {reason}" for name, reason in troubles.items()), **said)
    if said["dropped"]:
        return _check(WARNING, "sinks could not take every record", **said)
    return _check(HEALTHY, "every sink works" if sinks else "no sinks in use", **said)


def worst(checks: Mapping[str, Check]) -> str:
    """The worst status among checks."""
    return max((check["status"] for check in checks.values()), key=RANK.__getitem__, default=HEALTHY)


def score(checks: Mapping[str, Check]) -> float:
    """Health from 0 to 1: a critical check costs 0.4, a warning 0.1."""
    return max(0.0, round(1.0 - sum(_COST[check["status"]] for check in checks.values()), 3))


def _check(status: str, message: str, **said: Any) -> Check:
    return {"status": status, "message": message, **said}
