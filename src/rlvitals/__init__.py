"""Vital signs for reinforcement-learning training.

    from rlvitals import TrainingMonitor

    with TrainingMonitor("logs", session_name="ppo-1") as monitor:
        monitor.log_episode(episode=0, reward=1.5, length=200, env_step=200)
        monitor.log_training_step(step=2048, policy_loss=-0.01, value_loss=0.5, entropy=1.3)

Stable-Baselines3: `from rlvitals.adapters.sb3 import VitalsCallback`. Reading: `rlvitals.open_run("logs/ppo-1")`.
Exceptions: `rlvitals.errors`. Records: `rlvitals.records`. Destinations: `rlvitals.sinks`.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rlvitals.text_escaping import escape_log_line as _clean_line

if TYPE_CHECKING:
    from rlvitals.adapters.optimization import OptimizationLogger
    from rlvitals.autologging import autolog
    from rlvitals.comparison import Comparison, compare
    from rlvitals.compat.installation import validate_training_monitor_installation
    from rlvitals.monitor import TrainingMonitor, TrainingSession, create_training_monitor
    from rlvitals.reader import RunReader, open_run, open_runs
    from rlvitals.recording import RecorderSettings
    from rlvitals.records import Episode as EpisodeMetrics
    from rlvitals.sinks import Sink

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "EpisodeMetrics",
    "OptimizationLogger",
    "RecorderSettings",
    "RunReader",
    "Sink",
    "TrainingMonitor",
    "TrainingSession",
    "autolog",
    "compare",
    "create_training_monitor",
    "open_run",
    "open_runs",
    "validate_training_monitor_installation",
]

_PLACES = {
    "Comparison": ("rlvitals.comparison", "Comparison"),
    "EpisodeMetrics": ("rlvitals.records", "Episode"),
    "OptimizationLogger": ("rlvitals.adapters.optimization", "OptimizationLogger"),
    "RecorderSettings": ("rlvitals.recording", "RecorderSettings"),
    "RunReader": ("rlvitals.reader", "RunReader"),
    "Sink": ("rlvitals.sinks", "Sink"),
    "TrainingMonitor": ("rlvitals.monitor", "TrainingMonitor"),
    "TrainingSession": ("rlvitals.monitor", "TrainingSession"),
    "autolog": ("rlvitals.autologging", "autolog"),
    "compare": ("rlvitals.comparison", "compare"),
    "create_training_monitor": ("rlvitals.monitor", "create_training_monitor"),
    "open_run": ("rlvitals.reader", "open_run"),
    "open_runs": ("rlvitals.reader", "open_runs"),
    "validate_training_monitor_installation": (
        "rlvitals.compat.installation",
        "validate_training_monitor_installation",
    ),
}
"""Module and attribute of each public name. Names are imported on first use, so that a command loads only what it
needs."""

logging.getLogger("rlvitals").addFilter(_clean_line)  # names and error messages can contain line breaks


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'rlvitals' has no attribute {name!r}")
    module, original = _PLACES[name]
    value = getattr(import_module(module), original)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names only, without the imported modules."""
    return sorted(__all__)
