"""Drop-in for W&B's Python package, which records a run on this machine.

    import rlvitals.compat.wandb as wandb

`init`, `config`, `log`, `define_metric`, `finish`, `run`, `summary`, `alert`, `save`, `Image`, `Video`, `Table` and
`Histogram` work as in W&B. Other functions and classes do nothing, and are listed once when the run ends. `sweep` and
`agent` raise an error, because without W&B's server they would not train. Names of CleanRL, Stable-Baselines3, RLlib,
TRL and other programs become fields of updates and episodes (see `records.synonyms`).
"""

import enum
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from rlvitals.adapters.logged_media import LoggedHistogram, LoggedImage, LoggedTable, LoggedVideo
from rlvitals.adapters.logger_runs import LoggerRuns
from rlvitals.compat.unsupported import Unsupported
from rlvitals.compat.wandb_run import WandbRun
from rlvitals.compat.wandb_settings import Settings, settings_of
from rlvitals.errors import RlvitalsError
from rlvitals.runs.layout import valid_name
from rlvitals.runs.search import LOGS
from rlvitals.sinks.lazy_destination import load, require

__all__ = [
    "AlertLevel",
    "Histogram",
    "Image",
    "Run",
    "Table",
    "Video",
    "agent",
    "alert",
    "define_metric",
    "finish",
    "init",
    "log",
    "login",
    "save",
    "sweep",
    "watch",
]

Histogram, Image, Table, Video = LoggedHistogram, LoggedImage, LoggedTable, LoggedVideo
Run = WandbRun

_MODE_VARIABLE = "WANDB_MODE"

_runs = LoggerRuns()
_unsupported = Unsupported("W&B")


def _keep(_: dict[str, Any]) -> None:
    """Do not record values yet, because there is no run."""


class _Current:
    """State of the module.

    Attributes:
        run: WandbRun that `init` opened, or `None`.
        config: Settings of the run. Values that are set before `init` become settings of the run.
        summary: Results of the run by name.
    """

    run: WandbRun | None = None
    config = Settings(_keep)
    summary = Settings(_keep)


_current = _Current()
_discarded: list[tempfile.TemporaryDirectory[str]] = []
"""Folders of disabled runs, which are removed when the program ends."""


class AlertLevel(enum.Enum):
    """Severity of an alert."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


def init(
    entity: str | None = None,
    project: str | None = None,
    dir: str | os.PathLike[str] | None = None,  # noqa: A002 - the name in W&B
    id: str | None = None,  # noqa: A002 - the same
    name: str | None = None,
    notes: str | None = None,
    tags: Any = None,
    config: Any = None,
    group: str | None = None,
    job_type: str | None = None,
    mode: str | None = None,
    resume: bool | str | None = None,
    reinit: bool | str | None = None,
    also_wandb: bool = False,
    options: Mapping[str, Any] | None = None,
    **others: Any,
) -> WandbRun:
    """Open a run, or return the open one.

    Args:
        entity: Not used: the run stays on this machine.
        project: Project name of the run.
        dir: Folder of runs. Default: `logs`.
        id: Name of the run. It wins over `name`. Characters that a folder name cannot have are replaced.
        name: Name of the run. The same applies.
        notes: Note, recorded as an event.
        tags: Tags.
        config: Settings: a dict, an `argparse.Namespace` or the path of a YAML file.
        group: Group of the run, recorded as a setting.
        job_type: Type of the run, recorded as a setting.
        mode: Not used, except for `disabled`, which writes the run to a temporary folder. Default: the environment
            variable `WANDB_MODE`.
        resume: Whether to continue the run of this `id`: `allow` or `must`. `True` and `auto` mean `allow`.
        reinit: Whether to end an open run and open another one.
        also_wandb: Whether to write a run of W&B too, with its own package.
        options: Options of `TrainingMonitor`, such as `total_timesteps` and `sinks`.
        **others: Further arguments of W&B, passed to its package with `also_wandb`.

    Raises:
        RunError: The run cannot be created.
        MissingExtraError: `also_wandb` is set, and W&B is not installed.
    """
    before = _current.run
    if before is not None and before.monitor.session.end_time is None:
        if not reinit:
            return before
        finish()
    about = {"entity": entity, "project": project, "group": group, "job_type": job_type, "notes": notes, "tags": tags}
    also = None
    if also_wandb:
        require("wandb", feature="also_wandb", extra="wandb")
        said = {
            **about,
            "dir": dir,
            "id": id or None,
            "name": name or None,
            "mode": mode,
            "resume": resume,
            "reinit": reinit,
            **others,
        }
        also = load("wandb").init(config=settings_of(config), **said)
    settings = {name: value for name, value in {"group": group, "job_type": job_type}.items() if value is not None}
    settings |= settings_of(config)
    proposed: dict[str, Any] = {
        "log_dir": _folder(dir, mode),
        "project_name": project or "",
        "session_name": valid_name(str(id or name)) if id or name else None,
        "configuration": settings,
        "tags": (tags,) if isinstance(tags, str) else tuple(tags or ()),
        "resume": "never" if not resume or resume == "never" else "must" if resume == "must" else "allow",
    }
    opened = _runs.open(**(proposed | dict(options or {})))
    if notes:
        opened.monitor.log_note(str(notes))
    run = _current.run = WandbRun(opened, {**settings, **_current.config.as_dict()}, about, _unsupported, also)
    _current.config, _current.summary = run.config, run.summary
    return run


def log(data: Mapping[str, Any], step: int | None = None, commit: bool | None = None, **more: Any) -> None:
    """Record a row of values. See `Run.log`.

    Raises:
        RlvitalsError: `init` was not called.
    """
    _opened("log").log(data, step, commit, **more)


def define_metric(name: str, step_metric: str | None = None, **more: Any) -> None:
    """Use another metric as the step of the metrics that a name or a pattern matches. See `Run.define_metric`.

    Raises:
        RlvitalsError: `init` was not called.
    """
    _opened("define_metric").define_metric(name, step_metric, **more)


def alert(title: str, text: str = "", level: Any = None, wait_duration: Any = None) -> None:
    """Record an event. See `Run.alert`.

    Raises:
        RlvitalsError: `init` was not called.
    """
    _opened("alert").alert(title, text, level, wait_duration)


def save(glob_str: str | os.PathLike[str], base_path: str | None = None, policy: str = "live") -> list[str]:
    """Copy files to the folder of the run. See `Run.save`.

    Raises:
        RlvitalsError: `init` was not called.
    """
    return _opened("save").save(glob_str, base_path, policy)


def finish(exit_code: int | None = None, quiet: bool | None = None) -> None:
    """End the run. Does nothing without one. See `Run.finish`."""
    if _current.run is not None:
        _current.run.finish(exit_code, quiet)
        _current.run, _current.config, _current.summary = None, Settings(_keep), Settings(_keep)


def login(*_: Any, **__: Any) -> bool:
    """Do nothing: there is no account."""
    return True


def watch(*_: Any, **__: Any) -> None:
    """Do nothing: gradients and parameters are not recorded. The end of the run names this function."""
    _unsupported.function("watch")()


def sweep(*_: Any, **__: Any) -> NoReturn:
    """Refuse to create a sweep.

    Raises:
        RlvitalsError: Always.
    """
    raise _no_server("sweep")


def agent(*_: Any, **__: Any) -> NoReturn:
    """Refuse to run the trainings of a sweep.

    Raises:
        RlvitalsError: Always.
    """
    raise _no_server("agent")


def _no_server(function: str) -> RlvitalsError:
    return RlvitalsError(
        f"wandb.{function}() needs W&B's server, and rlvitals.compat.wandb has none. Call the training function "
        "yourself, search with Optuna (https://rlvitals.github.io/rlvitals/guides/optuna/), or import wandb itself"
    )


def _opened(function: str) -> WandbRun:
    if _current.run is None:
        raise RlvitalsError(f"wandb.{function}() needs a run. Call wandb.init() first")
    return _current.run


def _folder(given: str | os.PathLike[str] | None, mode: str | None) -> Path:
    if (mode or os.environ.get(_MODE_VARIABLE)) == "disabled":
        _discarded.append(tempfile.TemporaryDirectory(prefix="rlvitals-"))
        return Path(_discarded[-1].name)
    return LOGS if given is None else Path(given)


def __getattr__(name: str) -> Any:
    if name in {"run", "config", "summary"}:
        return getattr(_current, name)
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    is_of_run = _current.run is not None and hasattr(type(_current.run), name)
    return getattr(_current.run, name) if is_of_run else _unsupported.function(name)
