"""Event files of one training are distinguished from those of others."""

from pathlib import Path
from typing import Any

import pytest
from torch.utils.tensorboard import SummaryWriter

from rlvitals.formats.importers.event_files import event_files, trainings_with_events


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A training with a table of hyperparameters in its part `train`, and another training below it."""
    for place in ("train", "other"):
        writer: Any = SummaryWriter(tmp_path / "runs" / place)
        writer.add_scalar("losses/value_loss", 0.5, 1)
        writer.add_hparams({"learning_rate": 0.25}, {"final": 1.0}, global_step=1)
        writer.close()
    with SummaryWriter(tmp_path / "runs") as own:
        own.add_scalar("losses/entropy", 0.5, 1)
    return tmp_path / "runs"


def parts_of(folder: Path, files: list[Path]) -> set[str]:
    """Return the first part of the path of each file, or an empty text for the files of the folder itself."""
    return {file.relative_to(folder).parts[0] if file.parent != folder else "" for file in files}


def test_the_files_of_a_training_are_in_its_folder_and_its_parts(folder: Path) -> None:
    """Each `add_hparams` writes a file to a subfolder of its own writer."""
    assert parts_of(folder, event_files(folder)) == {"", "train"}
    assert len(event_files(folder)) == 3
    assert len(event_files(folder / "other")) == 2


def test_the_trainings_below_a_folder_can_be_listed(folder: Path) -> None:
    assert trainings_with_events(folder.parent) == [folder, folder / "other"]
