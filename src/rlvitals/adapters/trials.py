"""Trials of a hyperparameter search, and the monitors that record their trainings. Does not import Optuna."""

import sys
import weakref
from typing import Any

from rlvitals.monitor import TrainingMonitor
from rlvitals.records.setting_names import STUDY, TRIAL_PARAMETERS

RUN = "rlvitals_run"
"""User attribute of a trial that holds the path of its run."""


def link_trial(trial: Any, monitor: TrainingMonitor) -> None:
    """Store the trial of a training in the configuration of its run, and the path of the run in the trial.

    A `VitalsPruner` in this process then finds the live run of the trial. `VitalsCallback(..., trial=trial)` calls this
    function.

    Args:
        trial: Optuna trial (`optuna.Trial`).
        monitor: Monitor that records the training.

    Raises:
        ClosedError: The monitor is closed.
    """
    study, parameters = str(trial.study.study_name), dict(trial.params)
    monitor.update_configuration({STUDY: study, "trial": trial.number, TRIAL_PARAMETERS: parameters})
    trial.set_user_attr(RUN, str(monitor.path))
    _monitors[study, trial.number] = monitor
    _trials[monitor] = trial


def monitor_of(study: str, number: int) -> TrainingMonitor | None:
    """Return the monitor that records a trial in this process.

    Args:
        study: Name of the study.
        number: Number of the trial.
    """
    return _monitors.get((study, number))


def trial_of(monitor: TrainingMonitor) -> Any:
    """Return the trial whose training a monitor records, or `None`."""
    return _trials.get(monitor)


def is_pruning(error: BaseException | None) -> bool:
    """Return whether an exception is the one by which an objective reports that its trial was pruned."""
    pruned = getattr(sys.modules.get("optuna"), "TrialPruned", None)
    return pruned is not None and isinstance(error, pruned)


_monitors: weakref.WeakValueDictionary[tuple[str, int], TrainingMonitor] = weakref.WeakValueDictionary()
_trials: weakref.WeakKeyDictionary[TrainingMonitor, Any] = weakref.WeakKeyDictionary()
