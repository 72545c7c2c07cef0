"""Attachment of TensorBoard's `SummaryWriter` in PyTorch and in tensorboardX: its calls are recorded as well."""

import weakref
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from rlvitals.adapters.logger_runs import LoggerRun
from rlvitals.adapters.summary_calls import SummaryCalls
from rlvitals.autologging.attachments import AttachedProcess, is_called_by_attached_library
from rlvitals.formats.importers.folder_settings import settings_in_name
from rlvitals.records.training_parts import training_of

_METHODS = tuple(name for name in vars(SummaryCalls) if name.startswith("add_"))


class RecordedWriter:
    """The recorder of one writer. Its run is opened at the first call.

    Args:
        process: State of the process.
        folder: Folder of the writer.
    """

    def __init__(self, process: AttachedProcess, folder: Path) -> None:
        self._process = process
        self._folder = folder.absolute()
        self._run: LoggerRun | None = None
        self._calls: SummaryCalls | None = None

    def call(self, method: str, *args: Any, **kwargs: Any) -> None:
        """Record a call of a method."""
        if self._calls is None or self._run is None or not self._run.is_open:
            home = training_of(self._folder)
            run = self._process.run_of(self._folder, session_name=home.name, configuration=settings_in_name(home.name))
            run.join(self)
            self._run = run
            self._calls = SummaryCalls(run.monitor, run.tags, prefix=run.prefix_of(self._folder))
            self._process.note("TensorBoard writer", run.monitor)
        getattr(self._calls, method)(*args, **kwargs)

    def flush(self) -> None:
        """Record the values until now."""
        if self._run is not None and self._run.is_open:
            self._run.tags.flush()

    def close(self) -> None:
        """End the run if no other logger uses it."""
        if self._run is not None and self._run.is_open:
            self._run.tags.flush()
            self._run.leave(self)
            self._process.finish(self._run)


def attach(module: ModuleType, process: AttachedProcess) -> None:
    """Record the calls of the writers of a module."""
    recorders: weakref.WeakKeyDictionary[Any, RecordedWriter] = weakref.WeakKeyDictionary()
    writer = module.SummaryWriter

    def created(_: None, one: Any, *__: Any, **___: Any) -> None:
        folder = getattr(one, "logdir", None) or getattr(one, "log_dir", None)
        if folder is not None and not is_called_by_attached_library():
            recorders[one] = RecordedWriter(process, Path(folder))

    def passed_on(name: str, *before: str) -> Callable[..., None]:
        def record(_: None, one: Any, *args: Any, **kwargs: Any) -> None:
            recorder = recorders.get(one)
            if recorder is not None:
                getattr(recorder, name)(*before, *args, **kwargs)

        return record

    process.observe(writer, "__init__", created)
    process.observe(writer, "flush", passed_on("flush"))
    process.observe(writer, "close", passed_on("close"))
    for method in _METHODS:
        process.observe(writer, method, passed_on("call", method))
