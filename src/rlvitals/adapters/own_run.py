"""The run that an adapter creates, including its end when a training stops without calling a callback."""

import atexit
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from rlvitals.adapters.learn_watch import came_from
from rlvitals.adapters.trials import is_pruning
from rlvitals.errors import RlvitalsError
from rlvitals.monitor import TrainingMonitor
from rlvitals.recording import Terminated, ending_of, exit_error
from rlvitals.runs.header import COMPLETED


class OwnRun:
    """Run that a callback created, until its training ends.

    It holds no reference to the callback and can outlive it.

    Args:
        options: Options of `TrainingMonitor`.
        stopped: Error message if the training stops without calling a callback. `None` if that is its normal end.
    """

    def __init__(self, options: dict[str, Any], stopped: str | None) -> None:
        self._options = options
        self._stopped = stopped
        self._monitor: TrainingMonitor | None = None
        self._model: Callable[[], object | None] = lambda: None

    def open(
        self,
        model: object,
        total_timesteps: int | None,
        *,
        goes_on: bool,
        facts: Mapping[str, Any],
        name: str | None = None,
    ) -> TrainingMonitor:
        """Create the run, or continue the previous one if the training continues.

        Args:
            model: Algorithm that is training.
            total_timesteps: Training budget in steps, if known.
            goes_on: Whether this call continues a training.
            facts: Configuration of the model, from which an unnamed run gets its name. The user's configuration takes
                precedence.
            name: Name of the run. The user's `session_name` takes precedence.

        Returns:
            The monitor of the run.

        Raises:
            RunError: The run cannot be created or resumed.
        """
        self._model = weakref.ref(model)
        before = self._monitor
        if before is not None and before.session.end_time is None:
            if goes_on:
                return before
            self.give_up()
        options = {"total_timesteps": total_timesteps, "session_name": name} | self._options
        if before is not None and goes_on:
            options |= {"session_name": before.session_id, "resume": "must"}
        given = options.get("configuration")
        if options.get("session_name") is None and (given is None or isinstance(given, Mapping)):
            options["configuration"] = {**facts, **(given or {})}
        self._monitor = TrainingMonitor(**options)
        _open_runs.add(self)
        return self._monitor

    def end(self, error: BaseException | None = None, *, monitor: TrainingMonitor | None = None) -> None:
        """Close the run as completed, or as ended by an exception.

        Args:
            error: Exception that ended the training. A pruned trial does not fail.
            monitor: Monitor of the run to close. Required from other threads, because the next run can be open already.
        """
        ending = self._monitor if monitor is None else monitor
        if ending is self._monitor:
            _open_runs.discard(self)
        if ending is not None:
            ending.__exit__(None, None if is_pruning(error) else error, None)

    def give_up(self, error: BaseException | None = None, *, monitor: TrainingMonitor | None = None) -> None:
        """Close a run whose training stopped without calling a callback.

        Args:
            error: Exception that may have ended the training.
            monitor: Monitor of the run to close, as for `end`.
        """
        if self in _open_runs:
            unknown = None if self._stopped is None else RlvitalsError(self._stopped)
            self.end(error if error is not None and self._is_mine(error) else unknown, monitor=monitor)

    def leave(self) -> None:
        """Close the run of an adapter that no longer exists.

        The garbage collector calls this in an arbitrary thread. A thread of the recorder could not wait for its own
        end, so the run is closed in a new thread, unless this is the main thread.
        """
        if self not in _open_runs:
            return
        if threading.current_thread() is threading.main_thread():
            self.give_up()
        else:
            threading.Thread(target=self.give_up, name="rlvitals-leave").start()

    def _is_mine(self, error: BaseException) -> bool:
        if isinstance(error, SystemExit | Terminated):  # the end of the process ends every training in it
            return ending_of(error)[0] != COMPLETED
        return came_from(error, self._model())


_open_runs: weakref.WeakSet[OwnRun] = weakref.WeakSet()


def _give_up_all() -> None:
    """Close the runs of trainings that an exception ended, before the recorder closes open runs as completed."""
    error = exit_error()
    for run in list(_open_runs):
        run.give_up(error)


atexit.register(_give_up_all)
