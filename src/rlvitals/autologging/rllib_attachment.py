"""Attachment of RLlib and Ray Tune: results are recorded in the process that asks for them."""

import functools
import weakref
from types import ModuleType
from typing import Any

from rlvitals.adapters.result_log import ResultLog
from rlvitals.autologging.attachments import AttachedProcess
from rlvitals.sinks.lazy_destination import load


class RecordedAlgorithm:
    """The recorder of one algorithm.

    Args:
        process: State of the process.
        algorithm: RLlib's algorithm.
    """

    def __init__(self, process: AttachedProcess, algorithm: Any) -> None:
        name = type(algorithm).__name__
        config = algorithm.config.to_dict()
        settings = {"algorithm": name, **{key: value for key, value in config.items() if _is_plain(value)}}
        settings |= {"env_id": config["env"]} if isinstance(config.get("env"), str) else {}
        self._run = process.run_of(None, configuration=settings)
        known = self._run.monitor.session.configuration
        self._run.monitor.update_configuration({key: one for key, one in settings.items() if key not in known})
        self._run.join(self)
        self._results = ResultLog(self._run.monitor, name)
        process.note(f"RLlib {name}", self._run.monitor)

    def add(self, result: dict[str, Any]) -> None:
        """Record a result. Its configuration is known already."""
        self._results.add({key: value for key, value in result.items() if key != "config"})

    def stop(self) -> None:
        """End the run if no logger uses it."""
        self._results.close()
        self._run.leave(self)


def attach(module: ModuleType, process: AttachedProcess) -> None:
    """Record what `Algorithm.train` returns, and the trials of Tune."""
    if module.__name__ == "ray.tune":
        _attach_tune(process)
        return
    recorders: weakref.WeakKeyDictionary[Any, RecordedAlgorithm] = weakref.WeakKeyDictionary()

    kind = load("ray.rllib.algorithms.algorithm").Algorithm

    def trained(result: dict[str, Any], algorithm: Any, *_: Any, **__: Any) -> None:
        if isinstance(algorithm, kind):
            known = recorders.get(algorithm) or recorders.setdefault(algorithm, RecordedAlgorithm(process, algorithm))
            known.add(result)

    def stopped(_: None, algorithm: Any, *__: Any, **___: Any) -> None:
        if algorithm in recorders:
            recorders.pop(algorithm).stop()

    # The class that defines the methods, because Ray sends methods of other classes to its workers.
    trainable = load("ray.tune.trainable").Trainable
    process.observe(trainable, "train", trained)
    process.observe(trainable, "stop", stopped)


def _attach_tune(process: AttachedProcess) -> None:
    tune = load("ray.tune.tune")
    original = tune._create_default_callbacks  # noqa: SLF001 - `run` takes the callbacks of every experiment from it

    @functools.wraps(original)
    def create_callbacks(callbacks: Any, *args: Any, **kwargs: Any) -> Any:
        made = original(callbacks, *args, **kwargs)
        with process.caught("the trials of Ray Tune could not be recorded"):
            kind = load("rlvitals.adapters.tune").VitalsLoggerCallback
            if not any(isinstance(one, kind) for one in made):
                made = [*made, kind(**process.options, on_run=lambda monitor: process.note("Ray Tune", monitor))]
        return made

    setattr(tune, original.__name__, create_callbacks)


def _is_plain(value: Any) -> bool:
    return value is not None and isinstance(value, bool | int | float | str)
