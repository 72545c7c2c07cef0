"""Snapshot of a run's last records, and the dictionaries of the public interface made from it."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rlvitals.compat.convergence_analysis import Courses, column_of, convergence_analysis, courses_of
from rlvitals.compat.dashboard_data import algorithm_metrics, charts
from rlvitals.compat.statistics import metric_series, window_statistics
from rlvitals.compat.validation import validation
from rlvitals.diagnosis import Diagnosis
from rlvitals.errors import RunError
from rlvitals.records import Episode, PolicyUpdate
from rlvitals.runs.reward_series import reward_series
from rlvitals.runs.run import Run

_SECONDS_PER_MINUTE = 60.0
_COURSE_COLUMNS = ("episode", "reward", "quality_improvement")


class RunStatus(NamedTuple):
    """Status of a training.

    Attributes:
        session_id: Name of the run.
        path: Path of the run folder, which may no longer exist.
        status: `running`, `completed`, `failed`, `preempted` or `paused`; for a finished run also `stalled` or
            `crashed`.
        total_episodes: Number of episodes in the whole run.
        training_seconds: Training duration, as in the overview (`rlvitals.summary.status.RunState.duration`).
        episodes_per_minute: Average over the whole run, as in the overview. `None` if its episodes cover less than a
            second.
        last_updated: Time of the last record or of the end (UTC, seconds since 1970).
        lost: Number of dropped records by destination: `records` (the files of the run) or the name of a sink.
        sinks: Names of the active sinks.
    """

    session_id: str
    path: Path
    status: str
    total_episodes: int
    training_seconds: float
    episodes_per_minute: float | None
    last_updated: float
    lost: Mapping[str, int]
    sinks: Sequence[str]


class RunSnapshot(NamedTuple):
    """Last records and status of a run at one time. Another thread can log or rewind afterwards.

    Attributes:
        episodes: Last episodes, oldest first.
        updates: Last updates, oldest first.
        status: Status of the run.
    """

    episodes: Sequence[Episode]
    updates: Sequence[PolicyUpdate]
    status: RunStatus

    def statistics(self) -> dict[str, Any]:
        """Return the statistics of the records."""
        return window_statistics(
            self.episodes,
            self.updates,
            session_id=self.status.session_id,
            total_episodes=self.status.total_episodes,
            training_seconds=self.status.training_seconds,
            episodes_per_minute=self.status.episodes_per_minute,
        )

    def validation(self, courses: Courses, diagnosis: Diagnosis, now: float) -> dict[str, Any]:
        """Report the findings of a diagnosis by area.

        Args:
            courses: Reward and quality of the whole run.
            diagnosis: Diagnosis of the run.
            now: Current time (UTC, seconds since 1970).
        """
        path, lost, sinks = self.status.path, self.status.lost, self.status.sinks
        checked = validation(diagnosis, self.episodes, self.updates, courses.reward, path=path, lost=lost, sinks=sinks)
        return {"timestamp": now, "session_id": self.status.session_id, **checked}

    def dashboard_data(self, courses: Courses, diagnosis: Diagnosis, now: float) -> dict[str, Any]:
        """Return the data of a dashboard. The arguments are the same as for `validation`."""
        statistics, validated = self.statistics(), self.validation(courses, diagnosis, now)
        return {
            "session": {
                "id": self.status.session_id,
                "status": self.status.status,
                "uptime_minutes": self.status.training_seconds / _SECONDS_PER_MINUTE,
                "last_updated": self.status.last_updated,
            },
            "summary": {
                "total_episodes": self.status.total_episodes,
                "avg_reward": statistics["reward_stats"]["mean"] if self.episodes else None,
                "avg_quality_improvement": statistics["quality_stats"]["mean"] if self.episodes else None,
                "success_rate": statistics["episode_stats"]["success_rate"] if self.episodes else None,
                "health_score": validated["health_score"],
            },
            "charts": charts(self.episodes),
            "convergence": convergence_analysis(self.episodes, courses),
            "validation": validated,
            "logo_performance": statistics.get("logo_type_performance", {}),
            "algorithm_metrics": algorithm_metrics(metric_series(self.episodes, self.updates)),
        }


def read_courses(path: Path, episodes: Sequence[Episode], total: int) -> Courses:
    """Analyse the trends of a whole run. Its folder is read if `episodes` is incomplete.

    Args:
        path: Run folder.
        episodes: Last episodes of the run, which are used if the folder cannot be read.
        total: Number of episodes in the run.
    """
    with contextlib.suppress(RunError, OSError):
        if total > len(episodes):
            columns = Run(path).episodes.read(*_COURSE_COLUMNS)  # in one read, because another thread may be writing
            return courses_of(*(np.ma.filled(columns[name].astype(np.float64), np.nan) for name in _COURSE_COLUMNS))
        if not total and (series := reward_series(Run(path))) is not None:
            return courses_of(np.arange(series.values.size), series.values, np.full(series.values.size, np.nan))
    return courses_of(*(column_of(episodes, name) for name in _COURSE_COLUMNS))
