"""Attachment of Hugging Face trainers, and so of TRL: every trainer gets the callback."""

from types import ModuleType
from typing import Any, SupportsIndex

from transformers import Trainer, TrainerCallback

from rlvitals.adapters.trl import VitalsTrainerCallback
from rlvitals.autologging.attachments import AttachedProcess

_FAILED = "a training of a Hugging Face trainer could not be recorded"


class AttachedTrainerCallback(VitalsTrainerCallback):
    """Callback that records nothing if its run cannot be created.

    Args:
        process: State of the process.
        title: Name of the library and the class of the trainer.
    """

    def __init__(self, process: AttachedProcess, title: str) -> None:
        super().__init__(**process.options)
        self._process = process
        self._title = title
        self._own_run = self._run

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """Leave out the copy of a trainer in another process."""
        return TrainerCallback, ()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the run, or continue it."""
        with self._process.caught(_FAILED):
            self._run = self._process.run_of_adapter(self, self._own_run, "train()")
            super().on_train_begin(args, state, control, **kwargs)
            if state.is_world_process_zero:
                self._process.begin_adapter(self._title, self._run.monitor)


def attach(module: ModuleType, process: AttachedProcess) -> None:
    """Add the callback to every trainer."""
    del module

    def created(_: None, trainer: Any, *__: Any, **___: Any) -> None:
        if not any(isinstance(one, VitalsTrainerCallback) for one in trainer.callback_handler.callbacks):
            names = {kind.__module__.partition(".")[0]: kind.__name__ for kind in reversed(type(trainer).__mro__)}
            title = f"TRL {names['trl']}" if "trl" in names else f"transformers {names['transformers']}"
            trainer.add_callback(AttachedTrainerCallback(process, title))

    process.observe(Trainer, "__init__", created)
