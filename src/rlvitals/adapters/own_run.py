"""The run that an adapter makes for itself, and what becomes of it when a training stops without a word."""

import atexit
import sys
import threading
import traceback
import weakref
from collections.abc import Callable
from typing import Any

from rlvitals.errors import RlvitalsError
from rlvitals.monitor import TrainingMonitor


class OwnRun:
    """The run that a callback made, until its training ends. It does not know the callback, and so can outlive it."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._monitor: TrainingMonitor | None = None
        self._model: Callable[[], object | None] = lambda: None

    def open(self, model: object, total_timesteps: int | None, *, goes_on: bool) -> TrainingMonitor:
        """Make the run; or go on with the one before, where the training goes on.

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
        self._monitor = TrainingMonitor(**options)
        _open_runs.add(self)
        return self._monitor

    def end(self, error: BaseException | None = None) -> None:
        """Close the run: as completed, or as failed if there is an error."""
        _open_runs.discard(self)
        if self._monitor is None:
            return
        if error is None:
            self._monitor.close()
        else:
            self._monitor.fail(error)

    def give_up(self, error: BaseException | None = None) -> None:
        """Close a run whose training stopped without a word."""
        if self in _open_runs:
            stopped = RlvitalsError("learn() stopped before its end; `with VitalsCallback(...)` says why")
            self.end(error if error is not None and self._is_mine(error) else stopped)

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
        """Whether an exception came out of this training, rather than out of anything else."""
        model = self._model()
        frames = traceback.walk_tb(error.__traceback__)
        return model is not None and any(frame.f_locals.get("self") is model for frame, _ in frames)


_open_runs: weakref.WeakSet[OwnRun] = weakref.WeakSet()


def _give_up_all() -> None:
    """Mark the trainings that an exception ended; this comes before the recorder closes what is open as completed."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    for run in list(_open_runs):
        run.give_up(error if isinstance(error, BaseException) else None)


atexit.register(_give_up_all)
