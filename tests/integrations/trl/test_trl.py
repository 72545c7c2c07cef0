"""The callback for Hugging Face trainers, in GRPO trainings with TRL."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerCallback
from trl import GRPOTrainer

from rlvitals import RecorderSettings, TrainingMonitor, open_run
from rlvitals.adapters.trl import VitalsTrainerCallback
from rlvitals.diagnosis.families import family_of
from rlvitals.formats.importers import import_run
from rlvitals.runs.request_files import Request, place_request
from rlvitals.testing.adapters import AdapterContract, Trained

STEPS = 6

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # of transformers about TRL


class AtStep(TrainerCallback):
    """Calls a function at a step."""

    def __init__(self, step: int, call: Callable[[], None]) -> None:
        self.step, self.call = step, call

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        del args, control
        if state.global_step == self.step:
            self.call()


class TestVitalsTrainerCallback(AdapterContract):
    """The contract of adapters. GRPO has updates, and no episodes."""

    update_fields = frozenset({"loss", "learning_rate", "gradient_norm", "entropy", "clip_fraction", "duration"})

    @pytest.fixture(autouse=True)
    def trainer(self, make_trainer: Any) -> None:
        self.make_trainer = make_trainer

    def make_adapter(self, monitor: TrainingMonitor | None = None, **options: Any) -> VitalsTrainerCallback:
        return VitalsTrainerCallback(monitor=monitor, **options)

    def train(self, adapter: Any, halfway: Callable[[], None]) -> Trained:
        trainer = self.make_trainer(*([] if adapter is None else [adapter]), AtStep(STEPS // 2, halfway))
        trainer.train()
        logged = [(entry["reward"], entry["loss"]) for entry in trainer.state.log_history if "reward" in entry]
        return Trained([], updates=STEPS, result=logged)


def test_the_recorded_values_are_those_of_the_trainer(
    make_trainer: Any, tmp_path: Path, settings: RecorderSettings
) -> None:
    """The callback and the import of the trainer's state give the same records, but for their times."""
    vitals = VitalsTrainerCallback(tmp_path / "live", session_name="run", settings=settings)
    trainer = make_trainer(vitals, eval_strategy="steps", eval_steps=3)
    trainer.train()
    trainer.state.save_to_json(str(tmp_path / "trainer_state.json"))
    imported = import_run(tmp_path / "trainer_state.json", tmp_path / "imported")

    def records(run: Any) -> list[dict[str, Any]]:
        found = [record for stream in ("updates", "evaluations", "scalars") for record in run.records(stream)]
        return [{name: getattr(one, name) for name in one.__struct_fields__ if name != "time"} for one in found]

    live = records(vitals.monitor.run)
    assert len(live) == STEPS + 2 + 1
    assert live == records(imported)


def test_the_configuration_and_the_family(make_trainer: Any, tmp_path: Path, settings: RecorderSettings) -> None:
    """The run names GRPO, its settings and its model, and is judged as GRPO, also with the user's own class."""

    class MyTrainer(GRPOTrainer):
        pass

    vitals = VitalsTrainerCallback(tmp_path, session_name="run", settings=settings, configuration={"seed": "mine"})
    make_trainer(vitals, kind=MyTrainer).train()

    header = open_run(tmp_path / "run").header
    wanted = {
        "algorithm": "GRPO",
        "model": "LlamaForCausalLM",
        "learning_rate": 1e-2,
        "num_generations": 2,
        "beta": 0.0,
        "seed": "mine",
        "loss_type": "dapo",
    }
    assert wanted.items() <= header.configuration.items()
    assert header.goals == {"total_timesteps": float(STEPS)}
    assert family_of(header.configuration).name == "grpo"


def test_a_model_without_a_readable_configuration_is_recorded(
    make_trainer: Any, tmp_path: Path, settings: RecorderSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event reports the reason, and the updates are recorded."""

    def fail(*_: Any, **__: Any) -> int:
        raise RuntimeError("the parameters are elsewhere")

    vitals = VitalsTrainerCallback(tmp_path, session_name="run", settings=settings)
    trainer = make_trainer(vitals)
    monkeypatch.setattr(type(trainer.model), "num_parameters", fail)
    trainer.train()

    run = open_run(tmp_path / "run")
    (event,) = [event for event in run.records("events") if event.kind == "adapter"]
    assert "the configuration could not be recorded: RuntimeError: the parameters are elsewhere" in event.message
    assert len(list(run.records("updates"))) == STEPS


def test_a_solved_task_has_no_finding_of_ppo(make_trainer: Any, tmp_path: Path, settings: RecorderSettings) -> None:
    """GRPO that solves a task has low entropy and no gradients in the end, which is no fault."""
    vitals = VitalsTrainerCallback(tmp_path, session_name="run", settings=settings)
    make_trainer(vitals, max_steps=120).train()

    run = open_run(tmp_path / "run")
    assert [update.extra["reward"] > 0.9 for update in list(run.records("updates"))[-5:]] == [True] * 5
    assert [finding.code for finding in run.diagnosis().findings if finding.severity != "info"] == []


def test_a_continued_training_rewinds_its_run(make_trainer: Any, tmp_path: Path, settings: RecorderSettings) -> None:
    """Steps after the checkpoint from which a training continues are abandoned. Checkpoints are events."""
    output = str(tmp_path / "output")
    for resume, options in (("never", {"save_strategy": "steps", "save_steps": 2}), ("must", {})):
        vitals = VitalsTrainerCallback(tmp_path / "logs", session_name="run", resume=resume, settings=settings)
        trainer = make_trainer(vitals, output_dir=output, **options)
        trainer.train(resume_from_checkpoint=f"{output}/checkpoint-4" if resume == "must" else None)

    run = open_run(tmp_path / "logs" / "run")
    saved = [event.data["path"] for event in run.records("events") if event.kind == "checkpoint"]
    assert [update.step for update in run.records("updates")] == [1, 2, 3, 4, 5, 6]
    assert len(list(run.records("updates", abandoned=True))) == 8
    assert saved == [f"{output}/checkpoint-2", f"{output}/checkpoint-4"]


def test_a_training_can_be_asked_to_stop(make_trainer: Any, tmp_path: Path, settings: RecorderSettings) -> None:
    """A request ends the training at its next step, and the run is completed."""
    vitals = VitalsTrainerCallback(tmp_path, settings=settings)

    def ask() -> None:
        place_request(vitals.monitor.run.layout, Request(kind="stop", reason="the reward is flat", by="an agent"))
        vitals.monitor._requests.poll()

    make_trainer(vitals, AtStep(2, ask)).train()

    assert [update.step for update in vitals.monitor.run.records("updates")] == [1, 2, 3]
    assert vitals.monitor.status == "completed"


def test_other_processes_record_nothing(make_trainer: Any, tmp_path: Path) -> None:
    """Only the main process of a distributed training opens the run."""
    vitals = VitalsTrainerCallback(tmp_path / "logs")
    trainer = make_trainer(vitals)
    trainer.state.is_world_process_zero = False
    for event in ("on_train_begin", "on_step_end", "on_save", "on_train_end"):
        getattr(vitals, event)(trainer.args, trainer.state, trainer.control)
    vitals.on_log(trainer.args, trainer.state, trainer.control, {"loss": 1.0})

    assert not (tmp_path / "logs").exists()


def test_an_evaluation_after_the_training_is_recorded_while_the_run_is_open(
    make_trainer: Any, tmp_path: Path, settings: RecorderSettings
) -> None:
    """In a `with` statement, the run spans `train()` and `evaluate()`. Afterwards nothing is recorded or raised."""
    with VitalsTrainerCallback(tmp_path, settings=settings) as vitals:
        trainer = make_trainer(vitals)
        trainer.train()
        trainer.evaluate()
    trainer.evaluate()

    assert [one.env_step for one in vitals.monitor.run.records("evaluations")] == [STEPS]
    assert vitals.monitor.status == "completed"
