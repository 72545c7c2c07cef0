"""Optuna: a callback that records a study, and a pruner that stops trials with critical findings.

    study = optuna.create_study(pruner=VitalsPruner(MedianPruner()))
    study.optimize(objective, n_trials=50, callbacks=[VitalsStudyCallback("logs")])

The training of a trial is recorded by `VitalsCallback("logs", trial=trial)`, or by a monitor and `link_trial(trial,
monitor)`. Requires the extra `optuna`. `docs/guides/optuna.md` describes what is recorded.
"""

from rlvitals.errors import MissingExtraError

try:
    from optuna.study import Study
except ImportError as missing:
    raise MissingExtraError("VitalsStudyCallback", extra="optuna", module="optuna") from missing

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from rlvitals.adapters.episodes import FailureLog
from rlvitals.adapters.finding_filter import FindingFilter
from rlvitals.adapters.study_facts import bounds_of, configuration_of, objectives_of, sign_of
from rlvitals.adapters.training_run import RunHolder, TrainingRun
from rlvitals.adapters.trials import RUN, link_trial, monitor_of, trial_of
from rlvitals.diagnosis.finding import Finding, all_codes
from rlvitals.monitor import TrainingMonitor
from rlvitals.recording.amendment import amend_configuration
from rlvitals.records.objectives import PARAMETER_BOUNDS
from rlvitals.records.setting_names import TRIAL_EVENT
from rlvitals.runs.layout import valid_name

__all__ = ["VitalsPruner", "VitalsStudyCallback", "link_trial"]

PRUNED_BY = "rlvitals_finding"
"""User attribute of a trial that holds the code of the finding for which it was pruned."""


class VitalsStudyCallback(RunHolder):
    """Records a study as a run: each finished trial is an episode of one step, with its parameters and its value.

    The analysis of parameters therefore works on studies: coverage, effects, best region. The first call records the
    trials that the study had before, also those of other processes. Use one callback per study, in one process only.

    The run is named after the study. It ends with a `with` statement, with the process, or when the callback is no
    longer referenced; with a `monitor`, the caller closes the run. Recording failures are never raised into the study.

    Args:
        log_dir: Folder of runs. Default: the default of `TrainingMonitor`.
        monitor: Existing monitor, as an alternative to `log_dir`.
        **options: Options of `TrainingMonitor` (`session_name`, `resume`, `configuration`, ...), with `log_dir`.

    Raises:
        ValueError: Both a `monitor` and `log_dir` or options for a new one are passed.
    """

    def __init__(
        self, log_dir: str | Path | None = None, *, monitor: TrainingMonitor | None = None, **options: Any
    ) -> None:
        self._run = TrainingRun(self, log_dir, monitor, options, loop="study.optimize()", reports_end=False)
        self._failures: FailureLog | None = None
        self._recorded: set[int] = set()
        self._lock = threading.Lock()  # with `n_jobs`, several threads finish trials

    def __call__(self, study: Study, trial: FrozenTrial) -> None:
        """Record the trials of a study that have finished since the last call. Optuna calls this after each trial."""
        with self._lock:
            failures = self._failures or self._begin(study)
            for finished in study.get_trials(deepcopy=False):
                if finished.state.is_finished() and finished.number not in self._recorded:
                    self._recorded.add(finished.number)
                    with failures.caught("a trial could not be recorded"):
                        self._record(study, finished)
            with failures.caught("the result of a trial could not be added to its run"):
                _add_result(study, trial)
            with failures.caught("the study could not be stopped"):
                if self._run.monitor.stop_requested:
                    study.stop()

    def _begin(self, study: Study) -> FailureLog:
        name = None if study.study_name.startswith("no-name-") else valid_name(study.study_name)
        facts = configuration_of(study)
        monitor = self._run.begin(study, None, step=len(self._recorded), facts=facts, name=name)
        self._failures = FailureLog(monitor)
        with self._failures.caught("the start of the study could not be recorded"):
            self._run.take_place(0, None, facts)
            if monitor.resumed:
                self._recorded |= {episode.episode for episode in monitor.run.records("episodes")}
                events = (event for event in monitor.run.records("events") if event.kind == TRIAL_EVENT and event.data)
                self._recorded |= {event.data["trial"] for event in events}
        return self._failures

    def _record(self, study: Study, trial: FrozenTrial) -> None:
        monitor, state = self._run.monitor, trial.state.name.lower()
        time = None if trial.datetime_complete is None else trial.datetime_complete.timestamp()
        values = trial.values  # of a pruned trial: the last reported value
        if values is None:
            monitor.log_event(
                TRIAL_EVENT,
                f"Trial {trial.number} has no value (state: {state})",
                severity="warning",
                code=f"trial-{state}",
                data={"trial": trial.number, "parameters": trial.params},
                time=time,
            )
            return
        names = objectives_of(study)
        known = monitor.session.configuration.get(PARAMETER_BOUNDS) or {}
        bounds = bounds_of(trial)
        if bounds.keys() - known.keys():
            monitor.update_configuration({PARAMETER_BOUNDS: {**bounds, **known}})
        monitor.log_episode(
            trial.number,
            reward=sign_of(study.directions[0]) * values[0],
            length=1,
            termination_reason=state,
            duration=None if trial.duration is None else trial.duration.total_seconds(),
            parameters={
                name: value if isinstance(value, bool | int | float | str) else str(value)
                for name, value in trial.params.items()
            },
            extra=dict(zip(names, values, strict=True)) if names else None,
            info=dict(trial.user_attrs) or None,
            time=time,
        )


class VitalsPruner(BasePruner):
    """Prunes a trial whose training has an open finding, and otherwise asks another pruner.

    The training must be linked to its trial and recorded in this process: see `link_trial`. The finding is stored in
    the user attribute `rlvitals_finding` of the trial, and as an event of its run. Optuna asks a pruner only when the
    objective calls `trial.should_prune()`.

    Args:
        wrapped: Pruner to ask if there is no such finding, or `None`.
        severity: Minimum severity of the finding: `info`, `warning` or `critical`.
        codes: Codes of the findings that prune. `None` for all.

    Raises:
        ValueError: An option is invalid.
    """

    def __init__(
        self, wrapped: BasePruner | None = None, *, severity: str = "critical", codes: Iterable[str] | None = None
    ) -> None:
        self._wrapped = wrapped
        self._filter = FindingFilter(severity, codes)

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether to prune a trial."""
        monitor = monitor_of(study.study_name, trial.number)
        finding = None if monitor is None else self._open_finding(monitor)
        if monitor is not None and finding is not None:
            with FailureLog(monitor).caught("the reason for pruning could not be recorded"):
                _add_reason(monitor, trial, finding)
            return True
        return self._wrapped is not None and self._wrapped.prune(study, trial)

    def _open_finding(self, monitor: TrainingMonitor) -> Finding | None:
        findings = monitor.diagnosis().findings
        return next(
            (one for one in findings if any(self._filter.takes(one.severity, c) for c in all_codes((one,)))), None
        )


def _add_reason(monitor: TrainingMonitor, trial: FrozenTrial, finding: Finding) -> None:
    live = trial_of(monitor)
    if live is None or PRUNED_BY in live.user_attrs:
        return
    live.set_user_attr(PRUNED_BY, finding.code)
    data = {"finding": finding.code, "finding_severity": finding.severity, "trial": trial.number}
    message = f"Pruned trial {trial.number}: {finding.title}."
    monitor.log_event("action", message, severity="warning", code="prune-trial", data=data)


def _add_result(study: Study, trial: FrozenTrial) -> None:
    """Add the state and value of a trial to the configuration of its run, which has usually ended before."""
    path = trial.user_attrs.get(RUN)
    if path is None:
        return
    values = trial.values if trial.values is None or len(trial.values) > 1 else trial.values[0]
    result = {"trial_state": trial.state.name.lower(), "trial_value": values}
    monitor = monitor_of(study.study_name, trial.number)
    if monitor is not None and monitor.session.end_time is None:
        monitor.update_configuration(result)
    else:
        amend_configuration(Path(path), result)
