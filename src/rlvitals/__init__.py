"""Vital signs for reinforcement-learning training.

    from rlvitals import TrainingMonitor

    with TrainingMonitor("logs", session_name="ppo-1") as monitor:
        monitor.log_episode(episode=0, reward=1.5, length=200, env_step=200)
        monitor.log_training_step(step=2048, policy_loss=-0.01, value_loss=0.5, entropy=1.3)

Stable-Baselines3: `from rlvitals.adapters.sb3 import VitalsCallback`. Reading: `rlvitals.open_run("logs/ppo-1")`.
"""

from rlvitals.errors import (
    ClosedError,
    MissingExtraError,
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
from rlvitals.monitor import TrainingMonitor, TrainingSession, create_training_monitor
from rlvitals.recording import RecorderSettings
from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, Record, Scalars, SystemSample
from rlvitals.runs import Run, find_runs, open_run
from rlvitals.sinks import MemorySink, Sink, TerminalSink

EpisodeMetrics = Episode

__version__ = "0.1.0"

__all__ = [
    "ClosedError",
    "Episode",
    "EpisodeMetrics",
    "Evaluation",
    "Event",
    "MemorySink",
    "MissingExtraError",
    "PolicyUpdate",
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
    "Scalars",
    "Sink",
    "SinkError",
    "SystemSample",
    "TerminalSink",
    "TrainingMonitor",
    "TrainingSession",
    "create_training_monitor",
    "find_runs",
    "open_run",
]
