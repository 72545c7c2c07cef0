"""Ray Tune: one callback that records each trial as a run.

    tune.Tuner("PPO", run_config=tune.RunConfig(callbacks=[VitalsLoggerCallback("logs")]), ...).fit()

Requires the extra `tune`. Trials run anywhere in the cluster. Their results are recorded where `fit` is called.
"""

from rlvitals.errors import MissingExtraError

try:
    from ray.tune.logger import LoggerCallback
except ImportError as missing:
    raise MissingExtraError("VitalsLoggerCallback", extra="tune", module="ray") from missing

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.adapters.result_log import ResultLog
from rlvitals.errors import RlvitalsError
from rlvitals.monitor import TrainingMonitor
from rlvitals.runs.layout import valid_name

_log = logging.getLogger("rlvitals")


class FailedTrialError(RlvitalsError):
    """A trial that Ray Tune ended with an error."""


class _Trial(NamedTuple):
    monitor: TrainingMonitor
    results: ResultLog


class VitalsLoggerCallback(LoggerCallback):  # type: ignore[misc] # Ray has no type annotations
    """Records the trials of Ray Tune: each result as updates, episodes, evaluations and custom metrics.

    A trial that is restored continues its run. If a run cannot be created, this is logged once and the trial goes on.

    Args:
        log_dir: Folder of runs. Default: the default of `TrainingMonitor`.
        on_run: Function that receives the monitor of each run.
        **options: Options of `TrainingMonitor` for every run. The names of the runs begin with `session_name`, followed
            by the name of the trial.
    """

    def __init__(
        self,
        log_dir: str | Path | None = None,
        *,
        on_run: Callable[[TrainingMonitor], None] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self._prefix = options.pop("session_name", None)
        self._options: dict[str, Any] = options if log_dir is None else {**options, "log_dir": Path(log_dir).absolute()}
        self._on_run = on_run
        self._trials: dict[str, _Trial] = {}
        self._names: dict[str, str] = {}
        self._failed = False

    def log_trial_start(self, trial: Any) -> None:
        """Open the run of a trial, or continue it."""
        name = self._names.get(trial.trial_id)
        proposed = valid_name("-".join(str(part) for part in (self._prefix, trial) if part is not None))
        options = self._options | {"session_name": name or proposed, "resume": "never" if name is None else "must"}
        settings = {"algorithm": str(trial.trainable_name), "trial": trial.trial_id, **trial.config}
        try:
            monitor = TrainingMonitor(configuration=settings | (options.pop("configuration", None) or {}), **options)
        except RlvitalsError as error:
            if not self._failed:
                self._failed = True
                _log.warning("trials of Ray Tune are not recorded: %s", error)
            return
        self._names[trial.trial_id] = monitor.session_id
        self._trials[trial.trial_id] = _Trial(monitor, ResultLog(monitor, str(trial)))
        if self._on_run is not None:
            self._on_run(monitor)

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        """Record a result."""
        del iteration
        if trial.trial_id in self._trials:
            self._trials[trial.trial_id].results.add(result)

    def log_trial_end(self, trial: Any, failed: bool = False) -> None:
        """End the run of a trial."""
        known = self._trials.pop(trial.trial_id, None)
        if known is not None:
            known.results.close()
            error = FailedTrialError(f"trial {trial} failed; Ray has its error in {trial.path}") if failed else None
            known.monitor.__exit__(None, error, None)
