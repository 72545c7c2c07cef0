"""The run that an adapter makes for itself, and what becomes of it when a training stops without a word."""

import atexit
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from rlvitals.adapters.learn_watch import came_from
from rlvitals.errors import RlvitalsError
from rlvitals.monitor import TrainingMonitor
from rlvitals.recording import Terminated, ending_of, exit_error
from rlvitals.runs.header import COMPLETED


class OwnRun:
    """The run that a callback made, until its training ends. It does not know the callback, and so can outlive it."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._monitor: TrainingMonitor | None = None
        self._model: Callable[[], object | None] = lambda: None

    def open(
        self, model: object, total_timesteps: int | None, *, goes_on: bool, facts: Mapping[str, Any]
    ) -> TrainingMonitor:
        """Make the run; or go on with the one before, where the training goes on.

        Args:
            model: The algorithm that trains.
            total_timesteps: Environment steps that it is to take, if known.
            goes_on: Whether it continues a training.
            facts: Configuration of the model, after which a run without a name is named. The user's own has precedence.

        Raises:
            RunError: The run cannot be made or resumed.
        """
        self._model = weakref.ref(model)
        before = self._monitor
        if before is not None and before.session.end_time is None:
            if goes_on:
                return before
            self.give_up()
        options = {"total_timesteps": total_timesteps} | self._options
        if before is not None and goes_on:
            options |= {"session_name": before.session_id, "resume": "must"}
        given = options.get("configuration")
        if options.get("session_name") is None and (given is None or isinstance(given, Mapping)):
            options["configuration"] = {**facts, **(given or {})}
        self._monitor = TrainingMonitor(**options)
        _open_runs.add(self)
        return self._monitor

    def end(self, error: BaseException | None = None, *, monitor: TrainingMonitor | None = None) -> None:
        """Close the run: as completed, or by the exception that ended its training.

        Args:
            error: The exception.
            monitor: The run that is meant, for another thread than the one that trains: the next may be open by now.
        """
        ending = self._monitor if monitor is None else monitor
        if ending is self._monitor:
            _open_runs.discard(self)
        if ending is not None:
            ending.__exit__(None, error, None)

    def give_up(self, error: BaseException | None = None, *, monitor: TrainingMonitor | None = None) -> None:
        """Close a run whose training stopped without a word.

        Args:
            error: An exception that may have ended it.
            monitor: As for `end`.
        """
        if self in _open_runs:
            stopped = RlvitalsError("learn() stopped before its end; `with VitalsCallback(...)` says why")
            self.end(error if error is not None and self._is_mine(error) else stopped, monitor=monitor)

    def leave(self) -> None:
        """Give the run up for an adapter that is no more.

        The garbage collector says so, in whichever thread it happens to work; one of the recorder's own could not wait
        for itself to end.
        """
        if self not in _open_runs:
            return
        if threading.current_thread() is threading.main_thread():
            self.give_up()
        else:
            threading.Thread(target=self.give_up, name="rlvitals-leave").start()

    def _is_mine(self, error: BaseException) -> bool:
        if isinstance(error, SystemExit | Terminated):  # the end of the process is the end of every training in it
            return ending_of(error)[0] != COMPLETED
        return came_from(error, self._model())


_open_runs: weakref.WeakSet[OwnRun] = weakref.WeakSet()


def _give_up_all() -> None:
    """Mark the trainings that an exception ended; this comes before the recorder closes what is open as completed."""
    error = exit_error()
    for run in list(_open_runs):
        run.give_up(error)


atexit.register(_give_up_all)
