"""`create_training_monitor`: a function kept for existing code. New code uses `TrainingMonitor`."""

from pathlib import Path
from typing import Any

from rlvitals.monitor.monitor import TrainingMonitor


def create_training_monitor(
    log_dir: str | Path = "logs/ppo_training",
    session_name: str | None = None,
    use_tensorboard: bool = False,
    use_wandb: bool = False,
    **options: Any,
) -> TrainingMonitor:
    """Create a monitor.

    Args:
        log_dir: Folder of runs.
        session_name: Run name, or `None` for a default name.
        use_tensorboard: Whether to write the records to TensorBoard too.
        use_wandb: Whether to send the records to Weights & Biases too.
        **options: Any other argument of `TrainingMonitor`.

    Returns:
        The monitor.

    Raises:
        RunError: The run cannot be created or resumed.
    """
    return TrainingMonitor(log_dir, use_tensorboard, use_wandb, session_name=session_name, **options)
