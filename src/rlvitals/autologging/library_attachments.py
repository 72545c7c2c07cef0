"""The libraries that are attached, and the start of it.

Importing this module imports no library and no monitor, because `rlvitals run` imports it in every process.
"""

import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

from rlvitals.autologging.import_watch import ImportWatch

DEFAULT_FOLDER = "logs"

ATTACHMENTS: dict[str, str] = {
    "gymnasium": "environment_attachment",
    "optuna": "study_attachment",
    "ray.rllib": "rllib_attachment",
    "ray.tune": "rllib_attachment",
    "stable_baselines3": "sb3_attachment",
    "tensorboardX": "writer_attachment",
    "torch.utils.tensorboard": "writer_attachment",
    "transformers.trainer": "trainer_attachment",
    "wandb": "wandb_attachment",
}
"""Packages of other libraries, and the module of this package that attaches each one once it is imported."""

_MONITOR = "rlvitals.monitor"
"""Module with which a program records its trainings itself."""
_STATE = "rlvitals.autologging.attachments"

_watch: ImportWatch | None = None


def autolog(log_dir: str | Path = DEFAULT_FOLDER, **options: Any) -> None:
    """Record everything that this process trains, whichever supported library it uses.

    Stable-Baselines3 and sb3-contrib record each `learn` as a run. Other programs record one run: the episodes of the
    Gymnasium environment that takes most steps, and everything that is logged with TensorBoard's `SummaryWriter` or
    W&B. The libraries work as before. A failure to record is logged once and never raised.

    Args:
        log_dir: Folder of runs.
        **options: Options of `TrainingMonitor` for every run, such as `session_name` and `tags`. They are used from the
            first call on; a later call has no effect.

    Raises:
        TypeError: An option is not one of `TrainingMonitor`.
    """
    monitor = importlib.import_module("rlvitals.monitor").TrainingMonitor
    inspect.signature(monitor).bind(**options)  # later, an error would only be logged
    start({"log_dir": str(Path(log_dir).absolute()), **options})


def start(options: dict[str, Any], report: Path | None = None) -> None:
    """Attach the libraries that are imported, and each other one when it is imported.

    Args:
        options: Options of `TrainingMonitor` for every run.
        report: File that receives a line for each attachment, for the parent process.
    """
    global _watch  # noqa: PLW0603 - one watch per process
    if _watch is not None:
        return

    def attach(name: str) -> None:
        if name == _MONITOR and _STATE in sys.modules:  # an attachment loads the monitor
            return
        # This loads the monitor, which a program without a supported library does not need.
        attachments = importlib.import_module(_STATE)
        process = attachments.begin(options, report)
        if name in ATTACHMENTS:
            attachments.attach(name, ATTACHMENTS[name], process)

    watched = (_MONITOR, *ATTACHMENTS)
    _watch = ImportWatch(watched, attach)
    for name in watched:
        if name in sys.modules:
            _watch.imported(name)
