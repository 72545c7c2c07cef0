"""State that all attachments of a process share: its runs, and what was attached."""

import contextlib
import functools
import importlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rlvitals.adapters.logger_runs import ENVIRONMENT, LOGGER, LoggerRun, LoggerRuns
from rlvitals.adapters.training_run import TrainingRun
from rlvitals.autologging.child_process import add_line
from rlvitals.monitor import TrainingMonitor
from rlvitals.runs.layout import valid_name

_log = logging.getLogger("rlvitals")

_LONGEST_END_S = 5.0

ATTACHED_LIBRARIES = frozenset({"stable_baselines3", "sb3_contrib", "transformers", "trl", "ray", "rlvitals"})
"""Libraries whose own logging is left out, because their trainings are recorded with their adapters."""

_LOGGERS = frozenset({"wandb.sdk"})


class AttachedProcess:
    """Runs of a process, and a report of what was attached.

    Args:
        options: Options of `TrainingMonitor` for every run.
        report: File that receives a line for each attachment, for the parent process.

    Attributes:
        options: Options of `TrainingMonitor` for every run.
        runs: Runs that loggers and environments share.
        on_open: Functions to call with each run that a logger or an adapter opens.
        on_finish: Functions to call with each run whose training a logger declares finished.
        on_adapter: Functions to call before an adapter opens a run. Loggers that are in use open theirs first.
        trials: The trial of a search that each thread runs, as `current`.
        adapter_runs: Whether an adapter, such as that of Stable-Baselines3, has recorded a run. Environments then do
            not open runs.
    """

    def __init__(self, options: Mapping[str, Any], report: Path | None) -> None:
        self.options = dict(options)
        self.runs = LoggerRuns(options)
        self.on_open: list[Callable[[LoggerRun], None]] = []
        self.on_finish: list[Callable[[LoggerRun], None]] = []
        self.on_adapter: list[Callable[[], None]] = []
        self.trials = threading.local()
        self.adapter_runs = False
        self._report = report
        self._noted: set[tuple[str, Path]] = set()
        self._failed: set[str] = set()
        self._calls = threading.local()
        self._opening = threading.RLock()

    def note(self, what: str, monitor: TrainingMonitor) -> None:
        """Report a run, or that a library is attached to it, once.

        Args:
            what: Name of the library or of its part. Empty for a new run.
            monitor: Monitor of the run.
        """
        if (what, monitor.path) in self._noted:
            return
        self._noted.add((what, monitor.path))
        if self._report is not None:
            with contextlib.suppress(OSError):  # the parent process has ended
                add_line(self._report, {"attached": what, "run": str(monitor.path)})

    @contextlib.contextmanager
    def caught(self, what: str) -> Iterator[None]:
        """Log an exception once, and continue.

        Args:
            what: Description of the failed operation.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 - the user's program must continue
            self.failed(what, error)

    def failed(self, what: str, error: Exception) -> None:
        """Log a failure, once.

        Args:
            what: Description of the failed operation.
            error: Cause.
        """
        if what not in self._failed:
            self._failed.add(what)
            _log.warning("autolog: %s (%s: %s); the program continues", what, type(error).__name__, error)

    def observe(self, owner: Any, name: str, after: Callable[..., None]) -> None:
        """Replace a function by one that calls the original, and then a function with the same arguments.

        Calls that the original makes of observed functions of the same attachment are not passed on.

        Args:
            owner: Class or module.
            name: Name of the function.
            after: Function to call with the result and the arguments of the original.
        """
        original = getattr(owner, name, None)
        if original is None:
            return

        attachment = after.__module__

        @functools.wraps(original)
        def observed(*args: Any, **kwargs: Any) -> Any:
            running = vars(self._calls).setdefault("running", set())
            if attachment in running:
                return original(*args, **kwargs)
            running.add(attachment)
            try:
                result = original(*args, **kwargs)
                try:  # not `caught`, because a context manager takes more than a microsecond
                    after(result, *args, **kwargs)
                except Exception as error:  # noqa: BLE001 - the user's program must continue
                    self.failed(f"a call of {name} could not be recorded", error)
            finally:
                running.discard(attachment)
            return result

        setattr(owner, name, observed)

    def run_of(self, folder: Path | None, **proposed: Any) -> LoggerRun:
        """Return the open run of a writer in a folder, or the current run, or a new one.

        Args:
            folder: Folder of the writer; `None` for other loggers.
            **proposed: Options of `TrainingMonitor` for a new run.

        Raises:
            RunError: The run cannot be created.
        """
        if "session_name" in proposed:
            proposed["session_name"] = valid_name(proposed["session_name"])
        with self._opening:
            found = self.runs.current if folder is None else self.runs.of_writer(folder)
            if found is None:
                found = self.runs.open(folder, **proposed)
                self._tell(self.on_open, found)
            elif found.opener == ENVIRONMENT:
                found.opener = LOGGER
            return found

    def run_of_adapter(self, adapter: object, own: TrainingRun, loop: str) -> TrainingRun:
        """Return the run of a training that an adapter records: the open run of a logger, or its own.

        A run that only has the episodes of an environment ends, because the program now trains with an adapter.

        Args:
            adapter: Adapter.
            own: Run that the adapter opens if no logger has one.
            loop: Name of the training loop, for error messages.
        """
        for opens in self.on_adapter:
            with self.caught("a logger could not open its run"):
                opens()
        run = self.runs.current
        if run is not None and run.opener == ENVIRONMENT:
            run.monitor.close()
        if run is None or run.opener != LOGGER:
            return own
        return TrainingRun(adapter, None, run.monitor, {}, loop=loop)

    def begin_adapter(self, what: str, monitor: TrainingMonitor) -> LoggerRun:
        """Share the run that an adapter has begun to record, which the adapter also closes if it opened it.

        Args:
            what: Name of the library and of the algorithm.
            monitor: Monitor of the run.
        """
        self.adapter_runs = True
        run = self.runs.adopt(monitor)
        self._tell(self.on_open, run)
        self.note(what, monitor)
        return run

    def finish(self, run: LoggerRun) -> None:
        """Declare the training of a run finished. The run ends with its last logger."""
        self._tell(self.on_finish, run)

    def _tell(self, listeners: list[Callable[[LoggerRun], None]], run: LoggerRun) -> None:
        for listener in listeners:
            with self.caught("a run could not be shared by all loggers"):
                listener(run)

    def end_before_exit(self) -> None:
        """End the open runs when the program calls `os._exit`, which runs no exit handler."""
        original = os._exit

        @functools.wraps(original)
        def observed(status: int) -> NoReturn:
            try:
                if self.runs.unfinished:
                    self._end_in_time(status)
            finally:
                original(status)

        setattr(os, original.__name__, observed)

    def _end_in_time(self, status: int) -> None:
        ending = threading.Thread(target=self._end, args=(status,), daemon=True)
        try:
            ending.start()
        except RuntimeError:  # no thread can start while the interpreter shuts down
            self._end(status)
        else:
            ending.join(_LONGEST_END_S)  # a program that is stuck leaves like this, too

    def _end(self, status: int) -> None:
        for run in self.runs.unfinished:
            with self.caught("a run could not be ended"):
                run.monitor.__exit__(None, SystemExit(status), None)


_process: AttachedProcess | None = None


def begin(options: Mapping[str, Any], report: Path | None) -> AttachedProcess:
    """Return the state of this process. At the first call, begin to note the runs that the program records itself.

    Args:
        options: Options of `TrainingMonitor` for every run.
        report: File that receives a line for each run and each attachment.
    """
    global _process  # noqa: PLW0603 - one per process
    if _process is None:
        process = _process = AttachedProcess(options, report)
        process.end_before_exit()
        process.observe(TrainingMonitor, "__init__", lambda _, monitor, *__, **___: process.note("", monitor))
    return _process


def attach(name: str, attachment: str, process: AttachedProcess) -> None:
    """Attach an imported module.

    Args:
        name: Name of the module.
        attachment: Name of the module of this package that attaches it.
        process: State of the process.
    """
    importlib.import_module(f"rlvitals.autologging.{attachment}").attach(sys.modules[name], process)


def is_called_by_attached_library() -> bool:
    """Return whether a library whose trainings are recorded with its adapter made the call that is observed."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - `inspect` would read source files
    while frame is not None and _package_of(frame) in {"rlvitals.autologging", "contextlib", *_LOGGERS}:
        frame = frame.f_back
    return frame is not None and _package_of(frame).partition(".")[0] in ATTACHED_LIBRARIES


def _package_of(frame: FrameType) -> str:
    return ".".join(str(frame.f_globals.get("__name__", "")).split(".")[:2])
