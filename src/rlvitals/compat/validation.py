"""Health of a training by area, with the keys of the public interface: findings and related numbers."""

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rlvitals.compat.statistics import metric_series
from rlvitals.diagnosis import CRITICAL, RANK, WARNING, Diagnosis, Finding
from rlvitals.diagnosis.health import check_of, health_of
from rlvitals.records import Episode, PolicyUpdate
from rlvitals.stats.series.course import Course

HEALTHY = "healthy"
DISK_SPACE = "disk-space"

_LITTLE_SPACE = 1 << 30
_NO_SPACE = 64 << 20
_MIB = 1 << 20
_PERCENT = 100.0

Check = dict[str, Any]


@np.errstate(over="ignore", invalid="ignore", divide="ignore")  # overflowing values are data here
def validation(
    diagnosis: Diagnosis,
    episodes: Sequence[Episode],
    updates: Sequence[PolicyUpdate],
    reward: Course,
    *,
    path: Path,
    lost: Mapping[str, int],
    sinks: Sequence[str],
) -> dict[str, Any]:
    """Return checks by area, a health score and a status, all consistent with the findings.

    Args:
        diagnosis: Diagnosis of the run.
        episodes: Last episodes, oldest first.
        updates: Last updates.
        reward: Trend and convergence of the reward over the whole run.
        path: Run folder.
        lost: Number of dropped records by destination.
        sinks: Names of the active sinks.

    Returns:
        `health_score` (0 to 1), `status`, `judged` (false with too little evidence and no alarm), `checks`, `findings`,
        `points_lost` (each deduction from the score, out of 100, with the finding that caused it) and `skipped_rules`
        (rules without the data they need, and rules that failed).
    """
    free, space = _space(path)
    findings = (*diagnosis.findings, *space)
    if not diagnosis.is_judged:
        findings += (_not_judged(diagnosis),)
    health = health_of(findings)
    assert health.score is not None, "the default is that there is a score"
    by_area: dict[str, list[Finding]] = {}
    for finding in findings:
        by_area.setdefault(check_of(finding), []).append(finding)
    numbers = {
        "data_completeness": _completeness(episodes, updates, lost),
        "metric_validity": _validity(episodes, updates),
        "training_progress": {"trend": reward.recent.verdict, "change_in_noise": reward.recent.effect_size},
        "training_stability": {
            "convergence": reward.status,
            "below_best": _known(reward.convergence.below_best),
        },
        "file_system": {"free_mib": free},
        "external_logging": {"sinks": list(sinks), "dropped": {k: n for k, n in lost.items() if k != "records" and n}},
    }
    return {
        "health_score": health.score / _PERCENT,
        "status": health.status,
        "judged": diagnosis.is_judged,
        "checks": {
            name: _check(by_area.get(name, []), said, is_judged=diagnosis.is_judged or name in _NEED_NO_RECORDS)
            for name, said in numbers.items()
        },
        "findings": [{"code": one.code, "severity": one.severity, "message": one.sentence} for one in findings],
        "points_lost": [{"code": loss.code, "points": loss.points, "check": loss.check} for loss in health.deductions],
        "skipped_rules": {one.code: list(one.reasons) for one in diagnosis.skipped_rules},
    }


_NEED_NO_RECORDS = {"file_system", "external_logging"}


def _not_judged(diagnosis: Diagnosis) -> Finding:
    """Return the finding that keeps the score of a run without a verdict below 1 and its status from `healthy`."""
    return Finding(
        code="not-judged",
        severity=WARNING,
        confidence=1.0,
        title="Not judged yet",
        cause=f"{diagnosis.evidence_text}.",
        advice="Wait for more records, and check that the training logs episodes and updates.",
    )


def _check(findings: Sequence[Finding], numbers: Mapping[str, Any], *, is_judged: bool) -> Check:
    worst = max(findings, key=lambda finding: RANK[finding.severity], default=None)
    status = HEALTHY if worst is None or RANK[worst.severity] == 0 else worst.severity
    return {
        "status": status,
        "message": "; ".join(finding.sentence for finding in findings)
        or ("no problems found" if is_judged else "not judged"),
        "findings": [finding.code for finding in findings],
        **numbers,
    }


def _completeness(episodes: Sequence[Episode], updates: Sequence[PolicyUpdate], lost: Mapping[str, int]) -> Check:
    numbers = sorted({episode.episode for episode in episodes})
    return {
        "episodes": len(episodes),
        "updates": len(updates),
        "episode_numbers_skipped": numbers[-1] - numbers[0] + 1 - len(numbers) if numbers else 0,
        "lost": {where: count for where, count in lost.items() if count},
    }


def _validity(episodes: Sequence[Episode], updates: Sequence[PolicyUpdate]) -> Check:
    series: dict[str, Sequence[float]] = {"reward": [episode.reward for episode in episodes]}
    for name in ("quality_initial", "quality_final", "quality_improvement"):
        series[name] = [value for episode in episodes if (value := getattr(episode, name)) is not None]
    series |= metric_series(episodes, updates)
    bad = {name: sum(not math.isfinite(value) for value in values) for name, values in series.items()}
    return {"not_finite": {name: count for name, count in bad.items() if count}}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _space(path: Path) -> tuple[float | None, tuple[Finding, ...]]:
    """Return the free space on the run's disk in MiB, and a finding if it is low."""
    try:
        free = shutil.disk_usage(path).free
    except OSError as error:
        return None, (_disk(CRITICAL, f"The run folder is not accessible: {error.strerror}"),)
    if free >= _LITTLE_SPACE:
        return free / _MIB, ()
    severity = CRITICAL if free < _NO_SPACE else WARNING
    return free / _MIB, (_disk(severity, f"Only {free // _MIB} MiB are free on the run's disk"),)


def _disk(severity: str, cause: str) -> Finding:
    return Finding(
        code=DISK_SPACE,
        severity=severity,
        confidence=1.0,
        title="Disk full or not accessible",
        cause=cause,
        advice="Free disk space. While the disk is full, records are kept in memory for a while and then dropped.",
    )
