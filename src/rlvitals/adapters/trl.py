"""Hugging Face trainers: one callback that records a training with TRL, or with any `transformers.Trainer`.

    trainer = GRPOTrainer(..., callbacks=[VitalsTrainerCallback("logs")])

Requires the extra `trl`. `docs/guides/trl.md` describes what is recorded.
"""

from rlvitals.errors import MissingExtraError

try:
    from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
except ImportError as missing:
    raise MissingExtraError("VitalsTrainerCallback", extra="trl", module="transformers") from missing

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import transformers

from rlvitals.adapters.episodes import FailureLog
from rlvitals.adapters.learn_watch import caller_of
from rlvitals.adapters.training_run import RunHolder, TrainingRun, facts_of
from rlvitals.monitor import TrainingMonitor
from rlvitals.records.trainer_log import trainer_records

_SETTINGS = (
    "learning_rate", "lr_scheduler_type", "warmup_steps", "per_device_train_batch_size", "gradient_accumulation_steps",
    "num_train_epochs", "max_steps", "max_grad_norm", "weight_decay", "seed", "bf16", "fp16",
    # of TRL
    "beta", "num_generations", "num_iterations", "epsilon", "epsilon_high", "temperature", "loss_type",
    "scale_rewards", "max_completion_length", "use_vllm",
)  # fmt: skip
"""Training arguments that belong to the configuration of a run."""


class VitalsTrainerCallback(RunHolder, TrainerCallback):
    """Records the training of a Hugging Face trainer: updates, evaluations, checkpoints, configuration.

    With a `log_dir`, the callback creates a run when `train()` begins and closes it when `train()` ends. An exception
    that leaves `train()` marks the run as failed. In a `with` statement, the run lasts as long as the statement, over
    several calls of `train()`. With a `monitor`, the caller closes the run. In the latter two cases, an interrupted
    `train()` pauses the run. Only the main process of a distributed training records.

    Recording failures are counted, reported once, and never raised into the training.

    Args:
        log_dir: Folder of runs. Default: the default of `TrainingMonitor`.
        monitor: Existing monitor, as an alternative to `log_dir`.
        trial: Optuna trial to which the training belongs (see `adapters.optuna`).
        **options: Options of `TrainingMonitor` (`session_name`, `resume`, `configuration`, `terminal`, ...), with
            `log_dir`.

    Raises:
        ValueError: Both a `monitor` and `log_dir` or options for a new one are passed.
    """

    def __init__(
        self,
        log_dir: str | Path | None = None,
        *,
        monitor: TrainingMonitor | None = None,
        trial: Any = None,
        **options: Any,
    ) -> None:
        self._run = TrainingRun(self, log_dir, monitor, options, loop="train()", trial=trial)
        self._failures: FailureLog | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Open the run, or continue it."""
        if not state.is_world_process_zero:
            return
        trainer = caller_of(Trainer)
        facts, unreadable = facts_of(partial(configuration_of, args, trainer, kwargs.get("model")))
        goal = state.max_steps if state.max_steps > 0 else None
        loop = state if trainer is None else trainer
        self._failures = FailureLog(self._run.begin(loop, goal, step=state.global_step, facts=facts))
        with self._failures.caught("the start of the training could not be recorded"):
            self._run.take_place(state.global_step, goal, facts)
        if unreadable is not None:
            self._failures.note("the configuration could not be recorded", unreadable)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Record the logged values, also of an evaluation outside of `train()` while the run is open."""
        if self._failures is None or not logs or not self._run.is_open:
            return
        monitor = self._run.monitor
        with self._failures.caught("logged values could not be recorded"):
            last = monitor.last_episode
            episode = 0 if last is None else last + 1
            for _ in trainer_records(logs, step=state.global_step, episode=episode, make=monitor.log_record):
                pass

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Report progress, and end the training if a request asks for it."""
        if self._failures is not None:
            with self._failures.caught("progress could not be recorded"):
                self._run.monitor.advance(state.global_step)
            if args.world_size == 1 and self._run.monitor.stop_requested:  # other processes would wait for this one
                control.should_training_stop = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Record that a checkpoint was saved."""
        if self._failures is not None:
            with self._failures.caught("a checkpoint could not be recorded"):
                path = Path(args.output_dir or ".", f"checkpoint-{state.global_step}")
                data = {"path": str(path)}
                self._run.monitor.log_event(
                    "checkpoint", f"Saved the checkpoint {path.name}", env_step=state.global_step, data=data
                )

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Close the run, if the callback created it."""
        if self._failures is not None:
            self._run.end_watch()
            self._failures.close()
            self._run.end()


def configuration_of(args: TrainingArguments, trainer: Trainer | None, model: Any) -> dict[str, Any]:
    """Return the settings of a training and facts about its model. Missing ones are left out.

    Args:
        args: Training arguments.
        trainer: Trainer, whose class names the algorithm: `GRPOTrainer` for GRPO.
        model: Model to train.
    """
    found: dict[str, Any] = {"algorithm": _algorithm(trainer), "framework": "transformers"}
    found |= {name: _plain(getattr(args, name, None)) for name in _SETTINGS}
    settings = getattr(model, "config", None)
    found["model"] = getattr(settings, "_name_or_path", "") or (None if model is None else type(model).__name__)
    if hasattr(model, "num_parameters"):
        found["parameter_count"] = int(model.num_parameters())
    found["transformers"] = transformers.__version__
    return {name: value for name, value in found.items() if value is not None}


def _algorithm(trainer: Trainer | None) -> str | None:
    """Return the name of the algorithm: that of TRL's class, from which the user's own class may inherit."""
    if trainer is None:
        return None
    kinds = type(trainer).__mro__
    kind = next((kind for kind in kinds if kind.__module__.startswith("trl.")), kinds[0])
    return kind.__name__.removesuffix("Trainer") or None


def _plain(value: Any) -> Any:
    value = getattr(value, "value", value)  # of an enumeration
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
