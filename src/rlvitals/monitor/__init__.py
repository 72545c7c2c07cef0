"""TrainingMonitor: records a training, answers questions about it, and diagnoses it while it goes on."""

from rlvitals.monitor.monitor import TrainingMonitor, TrainingSession, create_training_monitor

__all__ = ["TrainingMonitor", "TrainingSession", "create_training_monitor"]
