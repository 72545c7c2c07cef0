"""The run of `rlvitals.compat.wandb`, with the interface of `wandb.Run`."""

import contextlib
import glob
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rlvitals.adapters.episodes import FailureLog
from rlvitals.adapters.history_calls import HistoryCalls
from rlvitals.adapters.logger_runs import LoggerRun
from rlvitals.compat.unsupported import Unsupported
from rlvitals.compat.wandb_settings import Settings
from rlvitals.errors import ClosedError, RlvitalsError
from rlvitals.monitor import TrainingMonitor
from rlvitals.records.coercion import plain_scalar
from rlvitals.runs.layout import ARTIFACTS

FILES = "files"
"""Folder in the artifacts of a run with the files that were saved."""

_SEVERITY = {"INFO": "info", "WARN": "warning", "ERROR": "critical"}


class FailedExitError(RlvitalsError):
    """The program ended the run with an exit code other than 0."""


class WandbRun:
    """A run that records what `wandb.log` and its relatives pass.

    Methods for training code never raise because of a recording failure. Failures are counted and reported once.

    Args:
        run: Run of this process.
        config: Settings.
        about: Values that W&B's runs have as attributes, such as `group` and `notes`.
        unsupported: Collector of the names that have no equivalent. The end of the run lists them.
        also: W&B's own run, if the program wants to write both.
    """

    def __init__(
        self,
        run: LoggerRun,
        config: Mapping[str, Any],
        about: Mapping[str, Any],
        unsupported: Unsupported,
        also: Any = None,
    ) -> None:
        self._run = run
        self._also = also
        self._history = HistoryCalls(run.monitor, run.tags)
        self._failures = FailureLog(run.monitor)
        self._unsupported = unsupported
        self._about = dict(about)
        self.config = Settings(self._record_settings)
        self.summary = Settings(self._record_summary)
        self.config.update(config)
        run.join(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(error)

    def __getattr__(self, name: str) -> Any:
        about = self.__dict__.get("_about", {})
        if name in about:
            return about[name]
        if name.startswith("_"):
            raise AttributeError(f"The run has no attribute {name!r}")
        return self._unsupported.function(f"run.{name}")

    @property
    def monitor(self) -> TrainingMonitor:
        """Monitor that records the run."""
        return self._run.monitor

    @property
    def id(self) -> str:
        """Name of the run, which is unique in its folder."""
        return self.monitor.session_id

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.monitor.session_id

    @property
    def dir(self) -> str:
        """Folder for files of the run."""
        folder = self.monitor.path / ARTIFACTS / FILES
        folder.mkdir(parents=True, exist_ok=True)
        return str(folder)

    @property
    def step(self) -> int:
        """Number of the current row."""
        return self._history.row

    @property
    def url(self) -> str:
        """Location of the run."""
        return self.monitor.path.as_uri()

    def get_url(self) -> str:
        """Return the location of the run."""
        return self.url

    def log(self, data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, **_: Any) -> None:
        """Record a row of values.

        Args:
            data: Values by name, which can be nested: numbers, short texts, and `Image`, `Video`, `Table`, `Histogram`.
            step: Step of the row.
            commit: Whether the row is complete. Default: yes, unless there is a step.
            **_: Further arguments of W&B, which are not used.
        """
        if self._also is not None:
            self._also.log(data, step=step, commit=commit)
        self._history.log(data, step, commit=commit)
        with self._failures.caught("a summary could not be recorded"):
            for name, value in data.items():
                plain = plain_scalar(value)
                if isinstance(plain, int | float | str):
                    self.summary.remember(name, plain)

    def define_metric(self, name: str, step_metric: str | None = None, **kwargs: Any) -> None:
        """Use another metric as the step of the metrics that a name or a pattern matches."""
        if self._also is not None:
            self._also.define_metric(name, step_metric=step_metric, **kwargs)
        self._history.define_metric(name, step_metric)

    def alert(self, title: str, text: str = "", level: Any = None, wait_duration: Any = None) -> None:
        """Record an event with the severity of the level: `INFO`, `WARN` or `ERROR`."""
        if self._also is not None:
            self._also.alert(title, text, level=level, wait_duration=wait_duration)
        with self._failures.caught("an alert could not be recorded"):
            severity = _SEVERITY.get(str(getattr(level, "value", level)).upper(), "info")
            self.monitor.log_event("alert", f"{title}: {text}" if text else str(title), severity=severity)

    def save(self, glob_str: str | os.PathLike[str], base_path: str | None = None, policy: str = "live") -> list[str]:
        """Copy files to the folder of the run.

        Args:
            glob_str: Path or pattern of the files.
            base_path: Folder whose structure is kept. Default: the folder of each file.
            policy: Not used: files are copied now.

        Returns:
            Paths of the copies.
        """
        if self._also is not None:
            self._also.save(glob_str, base_path=base_path, policy=policy)
        copies: list[str] = []
        for found in sorted(glob.glob(os.fspath(glob_str), recursive=True)):  # noqa: PTH207 - absolute patterns too
            with self._failures.caught("a file could not be saved"):
                path = Path(found)
                inside = path.relative_to(base_path) if base_path is not None else Path(path.name)
                target = Path(self.dir) / inside
                if path.is_file() and path.resolve() != target.resolve():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    copies.append(str(shutil.copy2(path, target)))
        return copies

    def finish(self, exit_code: int | None = None, quiet: bool | None = None) -> None:
        """End the run, as failed if the exit code is not 0."""
        del quiet
        self._end(FailedExitError(f"finish() got the exit code {exit_code}") if exit_code else None)

    def _end(self, error: BaseException | None) -> None:
        self._run.tags.flush()
        self._unsupported.report(self.monitor)
        self._run.leave(self, error)
        if self._also is not None:
            self._also.finish(exit_code=None if error is None else 1)

    def _record_settings(self, values: dict[str, Any]) -> None:
        if self._also is not None:
            self._also.config.update(values, allow_val_change=True)
        with self._failures.caught("settings could not be recorded"), contextlib.suppress(ClosedError):
            self.monitor.update_configuration(values)

    def _record_summary(self, values: dict[str, Any]) -> None:
        if self._also is not None:
            self._also.summary.update(values)
        with self._failures.caught("a summary could not be recorded"), contextlib.suppress(ClosedError):
            self.monitor.log_metrics("summary", values)
