"""Drop-in for W&B's package."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from rlvitals import RecorderSettings
from rlvitals.compat import wandb
from rlvitals.errors import RlvitalsError
from rlvitals.runs import Run

OPTIONS = {"settings": RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Working directory, in which no run is open before and after a test."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    wandb.finish()


def messages(run: Run, kind: str) -> list[str]:
    return [event.message for event in run.records("events") if event.kind == kind]


def test_a_program_with_one_changed_line_is_recorded(folder: Path) -> None:
    run = wandb.init(project="cartpole", name="a", config={"learning_rate": 0.1}, tags=["x"], options=OPTIONS)
    wandb.config.update({"gamma": 0.99})
    wandb.config.seed = 3
    for step in (128, 256):
        wandb.log({"global_step": step, "losses/policy_loss": -0.1})
    wandb.finish()

    recorded = Run(folder / "logs" / "a")
    assert recorded.header.configuration == {"learning_rate": 0.1, "gamma": 0.99, "seed": 3}
    assert (recorded.header.project, recorded.header.tags, recorded.header.status) == ("cartpole", ["x"], "completed")
    assert [(one.env_step, one.policy_loss) for one in recorded.records("updates")] == [(128, -0.1), (256, -0.1)]
    assert (run.name, wandb.run) == ("a", None)


def test_settings_before_init_are_recorded(folder: Path) -> None:
    wandb.config.lr = 0.1
    wandb.init(name="a", options=OPTIONS)

    assert (wandb.config["lr"], wandb.config.lr, dict(wandb.config)) == (0.1, 0.1, {"lr": 0.1})
    assert Run(folder / "logs" / "a").header.configuration == {"lr": 0.1}


def test_arguments_of_a_program_are_settings() -> None:
    run = wandb.init(config=argparse.Namespace(lr=0.1), group="sweep", options=OPTIONS)

    assert run.monitor.session.configuration == {"lr": 0.1, "group": "sweep"}
    assert (run.group, run.project) == ("sweep", None)


def test_a_second_init_returns_the_open_run() -> None:
    first = wandb.init(name="a", options=OPTIONS)
    second = wandb.init(name="b")
    third = wandb.init(name="c", reinit=True, options=OPTIONS)

    assert second is first
    assert (third.name, first.monitor.status) == ("c", "completed")


def test_a_run_can_be_continued(folder: Path) -> None:
    for resume in (None, "allow"):
        wandb.init(id="a", resume=resume, options=OPTIONS)
        wandb.finish()

    assert len(Run(folder / "logs" / "a").header.writers) == 2


def test_a_summary_is_recorded(folder: Path) -> None:
    run = wandb.init(name="a", options=OPTIONS)
    wandb.log({"best": 1.0})
    run.summary["final"] = 2.0

    assert dict(run.summary) == {"best": 1.0, "final": 2.0}
    assert [one.values for one in Run(folder / "logs" / "a").records("scalars")] == [{"final": 2.0}]


def test_an_alert_is_an_event_with_its_severity(folder: Path) -> None:
    wandb.init(name="a", options=OPTIONS)
    wandb.alert("Reward", "is too low", level=wandb.AlertLevel.ERROR)

    (event,) = [one for one in Run(folder / "logs" / "a").records("events") if one.kind == "alert"]
    assert (event.message, event.severity) == ("Reward: is too low", "critical")


def test_a_saved_file_is_copied_to_the_run(folder: Path) -> None:
    (folder / "models").mkdir()
    (folder / "models" / "last.pt").write_text("weights")
    run = wandb.init(name="a", options=OPTIONS)
    copies = wandb.save("models/*.pt", base_path=".")

    assert copies == [str(Path(run.dir) / "models" / "last.pt")]
    assert Path(copies[0]).read_text() == "weights"


def test_what_is_not_supported_is_listed_once(folder: Path) -> None:
    run = wandb.init(name="a", options=OPTIONS)
    for _ in range(2):
        wandb.watch(None)
    wandb.log_artifact("model")
    run.mark_preempting()
    wandb.finish()

    (message,) = messages(Run(folder / "logs" / "a"), "adapter")
    assert message.endswith("in W&B: watch, log_artifact, run.mark_preempting.")


@pytest.mark.parametrize(("exit_code", "status"), [(None, "completed"), (0, "completed"), (1, "failed")])
def test_the_exit_code_is_the_status(folder: Path, exit_code: int | None, status: str) -> None:
    wandb.init(name="a", options=OPTIONS)
    wandb.finish(exit_code)

    assert Run(folder / "logs" / "a").header.status == status


def test_an_exception_fails_the_run(folder: Path) -> None:
    with pytest.raises(ValueError, match="no"), wandb.init(name="a", options=OPTIONS):
        raise ValueError("no")

    assert Run(folder / "logs" / "a").header.failure is not None


def test_a_log_without_a_run_is_an_error() -> None:
    with pytest.raises(RlvitalsError, match=r"Call wandb.init\(\) first"):
        wandb.log({"a": 1})


def test_functions_without_an_equivalent_do_nothing() -> None:
    """Before there is a run, too."""
    assert wandb.login() is True
    for _ in range(2):
        assert not wandb.setup()
        assert not wandb.util.generate_id()
        assert list(wandb.plot.line(wandb.Table(), "a", "b", title="c")) == []
        with wandb.Artifact("model", type="model").new_file("a") as file:
            file.write("text")
        wandb.init(id=wandb.util.generate_id(), options=OPTIONS)


def test_what_is_not_supported_before_there_is_a_run_is_listed_too(folder: Path) -> None:
    wandb.watch(None)
    wandb.util.generate_id()
    wandb.init(name="a", options=OPTIONS)
    wandb.Artifact("model").add_file("model.pt")
    wandb.finish()

    (message,) = messages(Run(folder / "logs" / "a"), "adapter")
    assert message.endswith("in W&B: watch, util.generate_id, Artifact.")


@pytest.mark.parametrize("name", ["sweep", "agent"])
def test_a_sweep_is_refused(name: str) -> None:
    """It would not train."""
    with pytest.raises(RlvitalsError, match=rf"wandb.{name}\(\) needs W&B's server"):
        getattr(wandb, name)({}, function=lambda: None)


@pytest.mark.parametrize(("given", "name"), [("lr=1/seed:2", "lr=1-seed-2"), ("a, b", "a, b")])
def test_any_name_becomes_a_run_name(given: str, name: str) -> None:
    """A valid one stays as it is."""
    assert wandb.init(name=given, options=OPTIONS).name == name


def test_a_summary_has_the_numbers_of_every_library() -> None:
    run = wandb.init(name="a", options=OPTIONS)
    wandb.log({"a": np.float32(0.5), "b": torch.tensor(2.0, requires_grad=True), "c": np.zeros(3)})

    assert dict(run.summary) == {"a": 0.5, "b": 2.0}


def test_a_disabled_run_leaves_no_file_in_the_working_directory(folder: Path) -> None:
    wandb.init(mode="disabled", options=OPTIONS)
    wandb.log({"a": 1})
    wandb.finish()

    assert list(folder.iterdir()) == []
