"""Drop-in for TensorBoard's `SummaryWriter`, which records a run.

    from rlvitals.compat.tensorboard import SummaryWriter  # instead of torch.utils.tensorboard

Names of CleanRL, Stable-Baselines3, RLlib, TRL and other programs become fields of updates and episodes (see
`records.synonyms`); other tags become custom metrics. `docs/guides/attach.md` lists what is recorded.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rlvitals.adapters.logger_runs import LoggerRuns
from rlvitals.adapters.summary_calls import SummaryCalls
from rlvitals.compat.unsupported import Unsupported
from rlvitals.records.training_parts import training_of
from rlvitals.runs.layout import valid_name
from rlvitals.sinks.lazy_destination import load, require

DEFAULT_FOLDER = "runs"
"""Folder of the runs of writers without a folder, as in PyTorch."""

_WRITER = "torch.utils.tensorboard"
_RECORDED = tuple(name for name in vars(SummaryCalls) if name.startswith("add_") or name == "flush")
_runs = LoggerRuns()
_lock = threading.Lock()


class SummaryWriter(SummaryCalls):
    """Writer with the interface of `torch.utils.tensorboard.SummaryWriter`.

    The run is created in the folder of the writer. Characters that a run name cannot have are replaced. Writers in the
    same folder, or in parts of it (`train`, `eval`), share a run, which ends when the last one is closed.

    Args:
        log_dir: Folder of the run. Default: a new folder in `runs`.
        comment: Suffix of the folder's name, if `log_dir` is not passed.
        purge_step: Step from which a run in this folder continues. Its records from this step on are abandoned.
        *_: Further arguments of PyTorch's writer, which are not used.
        also_tensorboard: Whether to write TensorBoard's event files too, with PyTorch's writer.
        **options: Options of `TrainingMonitor`, such as `configuration` and `total_timesteps`.

    Raises:
        RunError: The run cannot be created.
        MissingExtraError: Event files are wanted, and TensorBoard is not installed.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        *_: Any,
        also_tensorboard: bool = False,
        **options: Any,
    ) -> None:
        for unused in ("max_queue", "flush_secs", "filename_suffix", "write_to_disk"):
            options.pop(unused, None)
        writer = None if log_dir is None else Path(log_dir).absolute()
        with _lock:
            run = None if writer is None else _runs.of_writer(writer)
            if run is None:
                home = Path(DEFAULT_FOLDER) / comment.lstrip("-_ ") if writer is None else training_of(writer)
                has_name = writer is not None or comment
                folder, name = (home.parent, valid_name(home.name)) if has_name else (home, None)
                proposed = {"session_name": name, "resume": "never" if purge_step is None else "allow"}
                run = _runs.open(writer, **({"log_dir": folder} | proposed | options))
                if writer is None:
                    run.folder = run.monitor.path  # writers in other folders have their own runs
                if purge_step is not None and run.monitor.resumed:
                    run.monitor.rewind(env_step=max(0, int(purge_step) - 1))
        run.join(self)
        prefix = "" if writer is None else run.prefix_of(writer)
        super().__init__(run.monitor, run.tags, prefix=prefix)
        self._run = run
        self._unsupported = Unsupported("TensorBoard")
        self.log_dir = str(log_dir if log_dir is not None else run.monitor.path)
        self._also: Any = None
        if also_tensorboard:
            require("tensorboard", feature="also_tensorboard", extra="tensorboard")
            self._also = load(_WRITER).SummaryWriter(self.log_dir)
            for method in _RECORDED:
                setattr(self, method, _both(getattr(self, method), getattr(self._also, method)))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("add_"):
            raise AttributeError(f"SummaryWriter has no attribute {name!r}")
        other = self.__dict__.get("_also")
        return self._unsupported.function(name) if other is None else getattr(other, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(error)

    def get_logdir(self) -> str:
        """Return the folder of the writer."""
        return self.log_dir

    def close(self) -> None:
        """Close the writer. The run ends with its last writer."""
        self._leave(None)

    def _leave(self, error: BaseException | None) -> None:
        self.flush()
        self._unsupported.report(self._run.monitor)
        self._run.leave(self, error)
        if self._also is not None:
            self._also.close()


def _both(own: Callable[..., None], other: Callable[..., None]) -> Callable[..., None]:
    def call(*args: Any, **kwargs: Any) -> None:
        own(*args, **kwargs)
        other(*args, **kwargs)

    return call
