"""`TrainingMonitor`: records a training run, computes statistics of it, and diagnoses it while it runs."""

from rlvitals.monitor.create import create_training_monitor
from rlvitals.monitor.live_reader import TrainingSession
from rlvitals.monitor.monitor import TrainingMonitor

__all__ = ["TrainingMonitor", "TrainingSession", "create_training_monitor"]
