"""The runs that the loggers of a process share: TensorBoard writers, W&B runs and environments of one training."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlvitals.adapters.tag_log import TagLog
from rlvitals.monitor import TrainingMonitor
from rlvitals.records.training_parts import tag_prefix_of, training_of

LOGGER, ENVIRONMENT, ADAPTER = "logger", "environment", "adapter"
"""Who opened a run. The run of an adapter is closed by the adapter."""


class LoggerRun:
    """A run with several users. It ends when the last one leaves.

    Args:
        monitor: Monitor that records the run.
        folder: Folder of the writer that opened the run, if one did.
        opener: `logger`, `environment` or `adapter`.

    Attributes:
        monitor: Monitor that records the run.
        folder: Folder of the writer that opened the run, if one did.
        opener: `logger`, `environment` or `adapter`. A logger that joins the run of an environment takes it over.
        tags: Log of the tagged values of the run.
        counted_step: Environment step as counted by a recorded environment. `None` without one.
        has_ended: Whether the run has ended.
    """

    def __init__(self, monitor: TrainingMonitor, folder: Path | None = None, opener: str = LOGGER) -> None:
        self.monitor = monitor
        self.folder = folder
        self.opener = opener
        self.counted_step: int | None = None
        self.tags = TagLog(monitor, env_step=lambda: self.counted_step)
        self.has_ended = False
        self._users: set[object] = set()
        self._lock = threading.Lock()
        monitor.before_close(self._end)

    @property
    def is_open(self) -> bool:
        """Whether the run can be written by this process."""
        return not (self.has_ended or self.monitor.is_child)

    def join(self, user: object) -> None:
        """Add a user."""
        with self._lock:
            self._users.add(user)

    def leave(self, user: object, error: BaseException | None = None) -> None:
        """Remove a user, and end the run if it was the last one.

        Args:
            user: User that has joined.
            error: Exception that ended its work.
        """
        with self._lock:
            self._users.discard(user)
            is_last = not self._users
        if is_last:
            self.monitor.__exit__(None, error, None)

    def _end(self) -> None:
        self.has_ended = True

    def prefix_of(self, folder: Path) -> str:
        """Return the prefix for the tags of a writer: `eval/` for evaluations, or the folder of a further writer."""
        if training_of(folder) != folder or folder == self.folder:
            return tag_prefix_of(folder)
        is_first = self.folder is None or training_of(self.folder) == folder
        return "" if is_first else f"{folder.name}/"


class LoggerRuns:
    """The runs of a process by the folders of their writers.

    Args:
        options: Options of `TrainingMonitor` for every run. They win over what a logger proposes.
    """

    def __init__(self, options: Mapping[str, Any] | None = None) -> None:
        self._options = dict(options or {})
        self._runs: list[LoggerRun] = []
        self._lock = threading.RLock()
        self._process = os.getpid()

    @property
    def current(self) -> LoggerRun | None:
        """The newest open run, or `None`."""
        return next(reversed(self.unfinished), None)

    def of_writer(self, folder: Path) -> LoggerRun | None:
        """Return the open run that a writer in a folder belongs to.

        Writers share a run if one folder contains the other, or if both are parts of one training (`train`, `eval`).
        """
        runs = reversed(self.unfinished)
        return next((run for run in runs if run.folder is None or _belong_together(run.folder, folder)), None)

    def open(self, folder: Path | None = None, *, opener: str = LOGGER, **proposed: Any) -> LoggerRun:
        """Open a run.

        Args:
            folder: Folder of the writer that opens it, if one does.
            opener: `logger` or `environment`.
            **proposed: Options of `TrainingMonitor`.

        Raises:
            RunError: The run cannot be created.
        """
        with self._lock:
            run = LoggerRun(TrainingMonitor(**(proposed | self._options)), folder, opener)
            self._runs = [*self.unfinished, run]
            return run

    def adopt(self, monitor: TrainingMonitor) -> LoggerRun:
        """Return the run of a monitor that another adapter opened and closes."""
        with self._lock:
            self._forget_parent()
            known = next((run for run in self._runs if run.monitor is monitor), None)
            if known is None:
                known = LoggerRun(monitor, opener=ADAPTER)
                known.join(monitor)
                self._runs = [*self.unfinished, known]
            return known

    @property
    def unfinished(self) -> list[LoggerRun]:
        """Open runs of this process, the oldest first."""
        self._forget_parent()
        return [run for run in self._runs if run.is_open]

    def _forget_parent(self) -> None:
        """Begin with no runs in the child of a fork, whose parent continues to record."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._runs = []


def _belong_together(one: Path, other: Path) -> bool:
    first, second = training_of(one), training_of(other)
    return first == second or first in second.parents or second in first.parents
