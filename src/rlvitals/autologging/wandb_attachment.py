"""Attachment of W&B: rows of `wandb.log` are recorded as well."""

import weakref
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from rlvitals.adapters.history_calls import HistoryCalls
from rlvitals.adapters.logged_media import LoggedHistogram, LoggedImage, LoggedTable, LoggedVideo, Media
from rlvitals.adapters.logger_runs import LoggerRun
from rlvitals.autologging.attachments import AttachedProcess, is_called_by_attached_library


class RecordedRun:
    """The recorder of one W&B run.

    Args:
        process: State of the process.
        source: W&B's run.
    """

    def __init__(self, process: AttachedProcess, source: Any) -> None:
        self._process = process
        self._source = source
        self._clocks: dict[str, str] = {}
        self._open()

    def _open(self) -> None:
        name, settings = self._source.name or self._source.id, dict(self._source.config)
        tags = tuple(self._source.tags or ())
        self._run: LoggerRun = self._process.run_of(None, session_name=name, configuration=settings, tags=tags)
        self._run.join(self)
        self._run.monitor.update_configuration(settings)
        self._calls = HistoryCalls(self._run.monitor, self._run.tags)
        for metric, clock in self._clocks.items():
            self._calls.define_metric(metric, clock)
        self._process.note("W&B", self._run.monitor)

    def define_metric(self, name: str, step_metric: Any = None) -> None:
        """See `HistoryCalls.define_metric`."""
        clock = getattr(step_metric, "name", step_metric)
        if clock is not None:
            self._clocks[name] = clock
            self._calls.define_metric(name, clock)

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        """See `HistoryCalls.log`. If an adapter has ended the run, another one begins."""
        if not self._run.is_open:
            self._open()
        self._calls.log({name: _converted(value) for name, value in data.items()}, step, commit=commit)

    def finish(self, exit_code: int | None) -> None:
        """Take the last settings, and end the run if no other logger uses it."""
        if self._run.is_open:
            self._run.monitor.update_configuration(dict(self._source.config))
            self._run.tags.flush()
            self._run.leave(self, SystemExit(exit_code) if exit_code else None)
            self._process.finish(self._run)


class RecordedRuns:
    """The W&B runs of a process.

    Args:
        process: State of the process.
    """

    def __init__(self, process: AttachedProcess) -> None:
        self._process = process
        self._recorders: weakref.WeakKeyDictionary[Any, RecordedRun] = weakref.WeakKeyDictionary()
        self._waiting: weakref.WeakSet[Any] = weakref.WeakSet()  # runs without rows, whose training logs elsewhere

    def started(self, run: Any, *_: Any, **__: Any) -> None:
        """Note a run that `wandb.init` returned."""
        if run not in self._recorders and not is_called_by_attached_library():
            self._waiting.add(run)

    def join(self, *_: LoggerRun) -> None:
        """Record the runs without rows until now."""
        while self._waiting:
            self._recorder(self._waiting.pop())

    def logged(
        self, _: None, run: Any, data: Mapping[str, Any], step: Any = None, commit: Any = None, **__: Any
    ) -> None:
        """Record a row."""
        if not is_called_by_attached_library():
            self._recorder(run).log(data, step, commit)

    def defined(self, _: Any, run: Any, name: str, step_metric: Any = None, *__: Any, **___: Any) -> None:
        """Note the clock of a metric."""
        self._recorder(run).define_metric(name, step_metric)

    def finished(self, _: None, run: Any, exit_code: int | None = None, *__: Any, **___: Any) -> None:
        """End a run."""
        self._waiting.discard(run)
        if run in self._recorders:
            self._recorders.pop(run).finish(exit_code)

    def _recorder(self, run: Any) -> RecordedRun:
        self._waiting.discard(run)
        return self._recorders.get(run) or self._recorders.setdefault(run, RecordedRun(self._process, run))


def attach(module: ModuleType, process: AttachedProcess) -> None:
    """Record the rows of every run."""
    runs = RecordedRuns(process)
    process.on_open.append(runs.join)
    process.on_adapter.append(runs.join)
    process.observe(module, "init", runs.started)
    process.observe(module.Run, "log", runs.logged)
    process.observe(module.Run, "define_metric", runs.defined)
    process.observe(module.Run, "finish", runs.finished)
    process.observe(module.Run, "_finish", runs.finished)  # which the end of a `with` block calls


def _converted(value: Any) -> Any:
    """Return a medium of W&B as one of ours. Other values are unchanged."""
    if isinstance(value, list | tuple) and value:
        return [_converted(one) for one in value]
    if type(value).__module__.partition(".")[0] != "wandb":
        return value
    caption = getattr(value, "_caption", None)
    media: dict[str, Any] = {
        "Image": lambda: LoggedImage(value._path or value.image, caption=caption),  # noqa: SLF001 - no public name
        "Video": lambda: LoggedVideo(value._path, caption=caption),  # noqa: SLF001 - the same
        "Histogram": lambda: LoggedHistogram(np_histogram=(value.histogram, value.bins)),
        "Table": lambda: LoggedTable(value.columns, value.data),
    }
    make = media.get(type(value).__name__)
    return _Unknown() if make is None else make()


class _Unknown(Media):
    """A medium without an equivalent, which is left out."""

    def record(self, *_: Any) -> dict[str, float]:
        """Record nothing."""
        return {}
