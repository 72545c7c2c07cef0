"""create_training_monitor: the function that older code calls."""

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
        session_name: Name of the run.
        use_tensorboard: Whether TensorBoard gets the records too.
        use_wandb: Whether Weights & Biases gets the records too.
        **options: Any other argument of `TrainingMonitor`.

    Raises:
        RunError: The run cannot be created or resumed.
    """
    return TrainingMonitor(log_dir, use_tensorboard, use_wandb, session_name=session_name, **options)
