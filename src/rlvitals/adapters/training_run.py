"""The run that a callback records to: its own, or that of a monitor that the caller passes."""

import contextlib
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, SupportsIndex

from rlvitals.adapters.learn_watch import LearnWatch
from rlvitals.adapters.own_run import OwnRun
from rlvitals.adapters.trials import link_trial
from rlvitals.errors import NotPicklableError, RlvitalsError
from rlvitals.monitor import TrainingMonitor
from rlvitals.runs.header import ENDED, PAUSED


class TrainingRun:
    """Run of an adapter, over one or several trainings.

    Args:
        adapter: Adapter. When it is garbage collected, its own run ends.
        log_dir: Folder of runs. Default: the default of `TrainingMonitor`.
        monitor: Existing monitor, as an alternative to `log_dir`.
        options: Options of `TrainingMonitor`, with `log_dir`.
        loop: Name of the training loop, for error messages.
        reports_end: Whether the training loop calls the adapter at its end, so that a loop without that call failed.
        trial: Optuna trial to which the training belongs.

    Attributes:
        trial: Optuna trial, or `None`.
        spans_trainings: Whether the run stays open between trainings, in a `with` statement.

    Raises:
        ValueError: Both a `monitor` and `log_dir` or options for a new one are passed.
    """

    def __init__(
        self,
        adapter: object,
        log_dir: str | Path | None,
        monitor: TrainingMonitor | None,
        options: dict[str, Any],
        *,
        loop: str,
        reports_end: bool = True,
        trial: Any = None,
    ) -> None:
        if monitor is not None and (log_dir is not None or options):
            raise ValueError("got both a monitor and a log_dir or options for a new one; pass only one of them")
        if log_dir is not None:
            options["log_dir"] = log_dir
        stopped = f"{loop} stopped before its end; use `with {type(adapter).__name__}(...)` to record the reason"
        self._own = None if monitor is not None else OwnRun(options, stopped if reports_end else None)
        if self._own is not None:
            weakref.finalize(adapter, self._own.leave).atexit = False  # at exit, `own_run` closes the run early enough
        self._monitor = monitor
        self._loop = loop
        self._reports_end = reports_end
        self.trial = trial
        self._goal: int | None = None
        self._watch: LearnWatch | None = None
        self.spans_trainings = False

    @property
    def monitor(self) -> TrainingMonitor:
        """Monitor that records the training.

        Raises:
            RlvitalsError: The adapter creates its monitor when a training begins, and no training has begun.
        """
        if self._monitor is None:
            raise RlvitalsError(
                f"there is no monitor yet, because {self._loop} creates it; call {self._loop} first or pass a monitor"
            )
        return self._monitor

    @property
    def is_open(self) -> bool:
        """Whether there is a monitor that accepts records."""
        return self._monitor is not None and self._monitor.status not in ENDED

    def begin(
        self,
        model: object,
        total_timesteps: int | None,
        *,
        step: int,
        facts: Mapping[str, Any],
        name: str | None = None,
        call: object = None,
    ) -> TrainingMonitor:
        """Open or continue the run, and watch the training loop, which calls nothing when an exception leaves it.

        Args:
            model: Object whose method is the training loop.
            total_timesteps: Training budget in steps, if known.
            step: Steps of the training until now. Above 0, the training continues.
            facts: Configuration of the training.
            name: Name of the run. The user's `session_name` takes precedence.
            call: Value that identifies the call of the loop.

        Returns:
            The monitor of the run.

        Raises:
            RunError: The run cannot be created or resumed.
        """
        self.end_watch()
        if self._own is not None:
            goes_on = step > 0
            self._monitor = self._own.open(model, total_timesteps, goes_on=goes_on, facts=facts, name=name)
        monitor = self.monitor
        if monitor.status == PAUSED:  # because the loop was left before
            monitor.unpause()
        if not self._reports_end:
            return monitor
        own = None if self.spans_trainings else self._own
        self._watch = LearnWatch(model, partial(_left, own, monitor, self._loop), call=call)
        return monitor

    def take_place(self, step: int, total_timesteps: int | None, facts: Mapping[str, Any]) -> None:
        """Record the position of a training in its run, its budget, its configuration and its trial.

        Args:
            step: Steps of the training until now.
            total_timesteps: Training budget in steps, if known.
            facts: Configuration of the training. The user's configuration takes precedence.

        Raises:
            RlvitalsError: The monitor is closed, or a value cannot be recorded.
        """
        monitor = self.monitor
        if monitor.resumed and monitor not in _settled and step < (monitor.env_step or 0):
            monitor.rewind(env_step=step)
        _settled.add(monitor)
        if total_timesteps is not None and monitor.total_timesteps in {None, self._goal}:  # otherwise set by the user
            monitor.set_goals(total_timesteps=total_timesteps)
        self._goal = total_timesteps
        known = monitor.session.configuration
        monitor.update_configuration({name: value for name, value in facts.items() if name not in known})
        if self.trial is not None:
            link_trial(self.trial, monitor)

    def end_watch(self) -> None:
        """Stop watching the training loop, because it has ended normally."""
        if self._watch is not None:
            self._watch.end()

    def end(self, error: BaseException | None = None) -> None:
        """Close the run, if the adapter created it. In a `with` statement, the end of the statement closes it."""
        if self._own is not None and not self.spans_trainings:
            self._own.end(error)


class RunHolder:
    """Base class of callbacks that record to a run. In a `with` statement, a run spans several trainings."""

    _run: TrainingRun

    def __enter__(self) -> Self:
        self._run.spans_trainings = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run.spans_trainings = False
        self._run.end_watch()
        self._run.end(error)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise NotPicklableError.of(type(self).__name__)

    @property
    def monitor(self) -> TrainingMonitor:
        """Monitor that records the training.

        Raises:
            RlvitalsError: The callback creates its monitor when a training begins, and no training has begun.
        """
        return self._run.monitor


def facts_of(read: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], Exception | None]:
    """Return the configuration of a training before a monitor exists, or the reason why it cannot be read.

    Args:
        read: Function that reads the configuration from the objects of a framework.
    """
    try:
        return read(), None
    except Exception as error:  # noqa: BLE001 - foreign objects; training must continue
        return {}, error


def _left(own: OwnRun | None, monitor: TrainingMonitor, loop: str, error: BaseException | None) -> None:
    """Report that a training was left. Its own run is closed as failed, and a caller's run is paused."""
    monitor._requests.serve(())  # noqa: SLF001 - for adapters only
    if own is not None:
        own.give_up(error, monitor=monitor)
        return
    why = "" if error is None else f" ({type(error).__name__})"
    with contextlib.suppress(RlvitalsError):  # the monitor may be closed already
        monitor.log_event("training", f"{loop} stopped before its end{why}", severity="warning")
        monitor.pause()
        monitor.save_session()


_settled: weakref.WeakSet[TrainingMonitor] = weakref.WeakSet()
"""Monitors whose first training has begun. After that, a repeated step is not a return to a checkpoint."""
