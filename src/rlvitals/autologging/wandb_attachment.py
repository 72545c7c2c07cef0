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
        name = source.name or source.id
        self._process = process
        self._source = source
        settings = dict(source.config)
        tags = tuple(source.tags or ())
        self._run: LoggerRun = process.run_of(None, session_name=name, configuration=settings, tags=tags)
        self._run.join(self)
        self._run.monitor.update_configuration(settings)
        self._calls = HistoryCalls(self._run.monitor, self._run.tags)
        process.note("W&B", self._run.monitor)

    def define_metric(self, name: str, step_metric: Any = None) -> None:
        """See `HistoryCalls.define_metric`."""
        self._calls.define_metric(name, None if step_metric is None else getattr(step_metric, "name", step_metric))

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None) -> None:
        """See `HistoryCalls.log`."""
        self._calls.log({name: _converted(value) for name, value in data.items()}, step, commit=commit)

    def finish(self) -> None:
        """Take the last settings, and end the run if no other logger uses it."""
        if self._run.is_open:
            self._run.monitor.update_configuration(dict(self._source.config))
            self._run.tags.flush()
            self._run.leave(self)
            self._process.finish(self._run)


def attach(module: ModuleType, process: AttachedProcess) -> None:
    """Record the rows of every run."""
    recorders: weakref.WeakKeyDictionary[Any, RecordedRun] = weakref.WeakKeyDictionary()
    waiting: weakref.WeakSet[Any] = weakref.WeakSet()  # runs whose rows come from elsewhere, as with sync_tensorboard

    def started(run: Any, *_: Any, **__: Any) -> None:
        waiting.add(run)

    def opened(_: LoggerRun) -> None:
        while waiting:
            recorder(waiting.pop())

    def recorder(run: Any) -> RecordedRun:
        waiting.discard(run)
        return recorders.get(run) or recorders.setdefault(run, RecordedRun(process, run))

    def logged(_: None, run: Any, data: Mapping[str, Any], step: Any = None, commit: Any = None, **__: Any) -> None:
        if not is_called_by_attached_library():
            recorder(run).log(data, step, commit)

    def defined(_: Any, run: Any, name: str, step_metric: Any = None, *__: Any, **___: Any) -> None:
        recorder(run).define_metric(name, step_metric)

    def finished(_: None, run: Any, *__: Any, **___: Any) -> None:
        if run in recorders:
            recorders.pop(run).finish()

    process.on_open.append(opened)
    process.observe(module, "init", started)
    process.observe(module.Run, "log", logged)
    process.observe(module.Run, "define_metric", defined)
    process.observe(module.Run, "finish", finished)


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
