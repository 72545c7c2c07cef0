"""Vital signs for reinforcement-learning training.

    from rlvitals import TrainingMonitor

    with TrainingMonitor("logs", session_name="ppo-1") as monitor:
        monitor.log_episode(episode=0, reward=1.5, length=200, env_step=200)
        monitor.log_training_step(step=2048, policy_loss=-0.01, value_loss=0.5, entropy=1.3)

Stable-Baselines3: `from rlvitals.adapters.sb3 import VitalsCallback`. Reading: `rlvitals.open_run("logs/ppo-1")`.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rlvitals.escaping import clean_line as _clean_line

if TYPE_CHECKING:
    from rlvitals.comparison import Comparison, Parting, Placed, against_history, compare, parting
    from rlvitals.errors import (
        ClosedError,
        ColumnError,
        ComparisonError,
        MissingExtraError,
        NotPicklableError,
        QueryError,
        RecordError,
        RlvitalsError,
        RunError,
        RunExistsError,
        RunFormatError,
        RunLockedError,
        RunNameError,
        RunNotFoundError,
        SinkError,
    )
    from rlvitals.installation import validate_training_monitor_installation
    from rlvitals.monitor import TrainingMonitor, TrainingSession, create_training_monitor
    from rlvitals.optimization import OptimizationLogger
    from rlvitals.reading import RunReader, open_run, open_runs
    from rlvitals.recording import RecorderSettings
    from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, Record, Scalars, SystemSample
    from rlvitals.runs import Run, Runs, find_runs
    from rlvitals.sinks import MemorySink, Sink, TerminalSink

    EpisodeMetrics = Episode

__version__ = "0.1.0"

_NAMES: dict[str, tuple[str, ...]] = {
    "rlvitals.comparison": (
        "Comparison",
        "Parting",
        "Placed",
        "against_history",
        "compare",
        "parting",
    ),
    "rlvitals.errors": (
        "ClosedError",
        "ColumnError",
        "ComparisonError",
        "MissingExtraError",
        "NotPicklableError",
        "QueryError",
        "RecordError",
        "RlvitalsError",
        "RunError",
        "RunExistsError",
        "RunFormatError",
        "RunLockedError",
        "RunNameError",
        "RunNotFoundError",
        "SinkError",
    ),
    "rlvitals.installation": ("validate_training_monitor_installation",),
    "rlvitals.monitor": (
        "TrainingMonitor",
        "TrainingSession",
        "create_training_monitor",
    ),
    "rlvitals.optimization": ("OptimizationLogger",),
    "rlvitals.reading": (
        "RunReader",
        "open_run",
        "open_runs",
    ),
    "rlvitals.recording": ("RecorderSettings",),
    "rlvitals.records": (
        "Episode",
        "Evaluation",
        "Event",
        "PolicyUpdate",
        "Record",
        "Scalars",
        "SystemSample",
    ),
    "rlvitals.runs": (
        "Run",
        "Runs",
        "find_runs",
    ),
    "rlvitals.sinks": (
        "MemorySink",
        "Sink",
        "TerminalSink",
    ),
}
"""Where each public name lives. It is imported when it is first used: a command pays for what it needs, and no more."""

logging.getLogger("rlvitals").addFilter(_clean_line)  # for names and errors that hold line breaks

_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names} | {
    "EpisodeMetrics": "rlvitals.records"
}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'rlvitals' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), "Episode" if name == "EpisodeMetrics" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "ClosedError",
    "ColumnError",
    "Comparison",
    "ComparisonError",
    "Episode",
    "EpisodeMetrics",
    "Evaluation",
    "Event",
    "MemorySink",
    "MissingExtraError",
    "NotPicklableError",
    "OptimizationLogger",
    "Parting",
    "Placed",
    "PolicyUpdate",
    "QueryError",
    "Record",
    "RecordError",
    "RecorderSettings",
    "RlvitalsError",
    "Run",
    "RunError",
    "RunExistsError",
    "RunFormatError",
    "RunLockedError",
    "RunNameError",
    "RunNotFoundError",
    "RunReader",
    "Runs",
    "Scalars",
    "Sink",
    "SinkError",
    "SystemSample",
    "TerminalSink",
    "TrainingMonitor",
    "TrainingSession",
    "against_history",
    "compare",
    "create_training_monitor",
    "find_runs",
    "open_run",
    "open_runs",
    "parting",
    "validate_training_monitor_installation",
]
