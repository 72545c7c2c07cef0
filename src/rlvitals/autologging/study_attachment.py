"""Attachment of Optuna: each study is a run, and the trainings of its trials name their trial."""

import functools
import inspect
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from optuna.study import Study

from rlvitals.adapters.optuna import VitalsStudyCallback
from rlvitals.autologging.attachments import AttachedProcess


class AttachedStudyCallback(VitalsStudyCallback):
    """Callback that records nothing if its run cannot be created.

    Args:
        process: State of the process.
    """

    def __init__(self, process: AttachedProcess) -> None:
        super().__init__(**process.options)
        self._process = process

    def __call__(self, study: Study, trial: Any) -> None:
        """Record the trial, unless the study is stored and another process recorded it."""
        finished = {one.number for one in study.get_trials(deepcopy=False) if one.state.is_finished()}
        self._recorded = (self._recorded | finished) - {trial.number}
        with self._process.caught("a study of Optuna could not be recorded"):
            super().__call__(study, trial)
            self._process.note("Optuna study", self._run.monitor)


def attach(module: ModuleType, process: AttachedProcess) -> None:
    """Add the callback to every `optimize`, and note which trial a thread runs."""
    del module
    original = Study.optimize
    signature = inspect.signature(original)
    callbacks: weakref.WeakKeyDictionary[Any, AttachedStudyCallback] = weakref.WeakKeyDictionary()

    @functools.wraps(original)
    def optimize(study: Study, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(study, *args, **kwargs)  # raises what the original would
        with process.caught("a study of Optuna could not be recorded"):
            given = list(bound.arguments.get("callbacks") or ())
            if not any(isinstance(one, VitalsStudyCallback) for one in given):
                own = callbacks.get(study) or callbacks.setdefault(study, AttachedStudyCallback(process))
                bound.arguments["callbacks"] = [*given, own]
            bound.arguments["func"] = _noting(process, bound.arguments["func"])
        original(*bound.args, **bound.kwargs)

    setattr(Study, original.__name__, optimize)


def _noting(process: AttachedProcess, objective: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @functools.wraps(objective, updated=())
    def noted(trial: Any) -> Any:
        process.trials.current = trial
        try:
            return objective(trial)
        finally:
            process.trials.current = None

    return noted
