"""Attachment of Stable-Baselines3 and sb3-contrib: every `learn` gets the callback."""

import functools
import weakref
from types import ModuleType
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CallbackList, ConvertCallback
from stable_baselines3.common.vec_env import DummyVecEnv

from rlvitals.adapters.sb3 import VitalsCallback
from rlvitals.autologging.attachments import AttachedProcess
from rlvitals.autologging.environment_attachment import release

_FAILED = "a training of Stable-Baselines3 could not be recorded"


class AttachedCallback(VitalsCallback):
    """Callback that turns itself off if its run cannot be created.

    Args:
        process: State of the process.
    """

    def __init__(self, process: AttachedProcess) -> None:
        super().__init__(**process.options, trial=getattr(process.trials, "current", None))
        self._process = process
        self._own_run = self._run
        self._is_off = False

    def _on_training_start(self) -> None:
        self._is_off = True
        with self._process.caught(_FAILED):
            self._run = self._process.run_of_adapter(self, self._own_run, "learn()")
            super()._on_training_start()
            run = self._process.begin_adapter(f"Stable-Baselines3 {type(self.model).__name__}", self.monitor)
            run.tags.expect_no_episodes()
            self._is_off = False

    def _on_rollout_start(self) -> None:
        if not self._is_off:
            super()._on_rollout_start()

    def _on_step(self) -> bool:
        return self._is_off or super()._on_step()

    def _on_rollout_end(self) -> None:
        if not self._is_off:
            super()._on_rollout_end()

    def _on_training_end(self) -> None:
        if not self._is_off:
            super()._on_training_end()
        # The process keeps the callback, in case that the training continues, but not the model and its buffers.
        vars(self).pop("_updates", None)
        self.locals, self.globals, self._buffered = {}, {}, None
        vars(self)["model"] = None


def attach(module: ModuleType, process: AttachedProcess) -> None:
    """Add the callback to every `learn`, and leave the environments in it to the callback."""
    del module
    original = BaseAlgorithm._init_callback  # noqa: SLF001 - all algorithms prepare their callbacks with it
    callbacks: weakref.WeakKeyDictionary[Any, AttachedCallback] = weakref.WeakKeyDictionary()

    @functools.wraps(original)
    def init_callback(model: Any, callback: Any, *args: Any, **kwargs: Any) -> Any:
        with process.caught(_FAILED):
            if not any(isinstance(one, VitalsCallback) for one in _callbacks_in(callback)):
                own = callbacks.get(model) or callbacks.setdefault(model, AttachedCallback(process))
                # Ours is the first one, to record a step before another callback fails.
                callback = own if callback is None else CallbackList([own, *_listed(callback)])
        return original(model, callback, *args, **kwargs)

    setattr(BaseAlgorithm, original.__name__, init_callback)

    def created(_: None, environments: Any, *__: Any, **___: Any) -> None:
        for env in environments.envs:
            release(env)

    process.observe(DummyVecEnv, "__init__", created)


def _listed(callback: Any) -> list[BaseCallback]:
    if isinstance(callback, list):
        return callback
    return [callback if isinstance(callback, BaseCallback) else ConvertCallback(callback)]


def _callbacks_in(callback: Any) -> list[Any]:
    """Return a callback and the callbacks inside."""
    inside = callback if isinstance(callback, list) else getattr(callback, "callbacks", [])
    return [callback, *(one for each in inside for one in _callbacks_in(each))]
