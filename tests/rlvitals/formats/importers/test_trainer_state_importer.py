"""`trainer_state.json` of transformers and TRL."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers import Importer, import_run, make_importer
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.runs import Run
from rlvitals.runs.reward_series import reward_series
from rlvitals.testing.importers import ImporterContract

MADE = Path(__file__).parent / "made_by_transformers" / "trainer_state.json"
"""State of a training with transformers, made by `make_trainer_state.py` next to it."""
ENTRY = {
    "loss": 0.5,
    "learning_rate": 1e-6,
    "grad_norm": 1.25,
    "entropy": 0.4,
    "kl": 0.02,
    "clip_ratio/region_mean": 0.1,
    "completions/mean_length": 200.0,
    "reward": 0.25,
    "reward_std": 0.5,
    "rewards/accuracy/mean": 0.2,
    "epoch": 0.01,
}


def state(*entries: dict[str, Any], **more: Any) -> str:
    steps = [entry.get("step", 0) for entry in entries]
    return json.dumps(
        {"epoch": 1.0, "global_step": max(steps, default=0), "log_history": list(entries), **more}, indent=2
    )


def imported(tmp_path: Path, content: str, at: float = 1_000.0) -> Run:
    file = tmp_path / "grpo" / "trainer_state.json"
    file.parent.mkdir()
    file.write_text(content)
    os.utime(file, (at, at))
    return import_run(file.parent, tmp_path / "logs")


class TestContract(ImporterContract):
    def make_importer(self) -> Importer:
        return make_importer("trainer_state")

    def make_sample(self, folder: Path) -> Path:
        return Path(shutil.copy(MADE, folder))


def test_the_state_of_transformers_itself_is_imported(tmp_path: Path) -> None:
    """Losses are updates, and evaluations are evaluations, at their optimizer steps."""
    run = import_run(MADE, tmp_path / "logs")

    assert [(update.step, update.loss is None) for update in run.records("updates")] == [
        (2, False),
        (4, False),
        (6, False),
    ]
    assert [evaluation.env_step for evaluation in run.records("evaluations")] == [3, 6]


def test_entries_before_the_first_step_have_that_step(tmp_path: Path) -> None:
    """They are not at step 0."""
    run = imported(tmp_path, state({"loss": 1.0}, {"loss": 0.5, "step": 5}))

    assert [update.step for update in run.records("updates")] == [5, 5]


def test_an_entry_is_an_update(tmp_path: Path) -> None:
    """The entry has the global step, and values without a field are in `extra`."""
    (update,) = imported(tmp_path, state({**ENTRY, "step": 5})).records("updates")

    assert (update.step, update.loss, update.learning_rate, update.gradient_norm) == (5, 0.5, 1e-6, 1.25)
    assert (update.entropy, update.clip_fraction) == (0.4, 0.1)
    assert update.extra == {
        "kl": 0.02,
        "completions/mean_length": 200.0,
        "reward": 0.25,
        "reward_std": 0.5,
        "rewards/accuracy/mean": 0.2,
        "epoch": 0.01,
    }


def test_the_reward_is_a_curve(tmp_path: Path) -> None:
    run = imported(tmp_path, state({**ENTRY, "step": 5}, {**ENTRY, "step": 10, "reward": float("nan")}))

    series = reward_series(run)
    assert series is not None
    assert (series.source, series.steps.tolist()) == ("mean reward of a batch, from train/reward", [5.0, 10.0])
    assert repr(series.values.tolist()) == "[0.25, nan]"


def test_an_entry_of_an_evaluation_is_an_evaluation(tmp_path: Path) -> None:
    entry = {"eval_reward": 0.75, "eval_loss": 0.1, "eval_runtime": 12.5, "epoch": 0.5, "step": 10}
    (evaluation,) = imported(tmp_path, state(entry)).records("evaluations")

    assert (evaluation.reward, evaluation.env_step, evaluation.duration) == (0.75, 10, 12.5)
    assert evaluation.extra == {"loss": 0.1, "epoch": 0.5}


@pytest.mark.parametrize(
    "entries",
    [
        [{"loss": 1.0, "step": 10}, {"loss": 1.0, "step": 20}, {"train_runtime": 40.0, "step": 20}],
        [{"loss": 1.0, "step": 10, "step_time": 2.0}, {"loss": 1.0, "step": 20, "step_time": 2.0}],
    ],
    ids=["run time", "step times"],
)
def test_times_end_at_the_modification_time_of_the_file(tmp_path: Path, entries: list[dict[str, Any]]) -> None:
    run = imported(tmp_path, state(*entries))

    assert [each.time for each in run.records("updates")] == [980.0, 1000.0]


def test_missing_durations_are_a_warning(tmp_path: Path) -> None:
    run = imported(tmp_path, state({**ENTRY, "step": 5}))

    assert "has no times" in import_warnings(run.records("events"))[0]


def test_the_checkpoint_with_the_highest_step_is_read(tmp_path: Path) -> None:
    """The latest checkpoint contains the history of the previous ones."""
    folder = tmp_path / "output"
    for step in (5, 10):
        (folder / f"checkpoint-{step}").mkdir(parents=True)
        entries = [{**ENTRY, "step": number} for number in range(5, step + 1, 5)]
        (folder / f"checkpoint-{step}" / "trainer_state.json").write_text(state(*entries, max_steps=10))
    run = import_run(folder, tmp_path / "logs")

    assert [each.step for each in run.records("updates")] == [5, 10]
    assert run.header.configuration["max_steps"] == 10


def test_a_history_without_steps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFormatError, match="no entry of log_history has a 'step'"):
        imported(tmp_path, state(ENTRY))


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFormatError, match=r"trainer_state.json is damaged.*an earlier checkpoint"):
        imported(tmp_path, state({**ENTRY, "step": 5})[:-20])


@pytest.mark.parametrize("step", ["x", [5], {}, float("inf"), float("nan"), -5])
def test_an_invalid_step_is_replaced_by_the_previous_one(tmp_path: Path, step: Any) -> None:
    content = json.dumps({"global_step": 5, "log_history": [{**ENTRY, "step": 5}, {"loss": 1.0, "step": step}]})

    assert [update.step for update in imported(tmp_path, content).records("updates")] == [5, 5]
