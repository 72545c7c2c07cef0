"""Event files in one folder are those of one training, or of several that follow each other."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers import import_run, import_runs
from rlvitals.formats.importers.event_files import event_files
from rlvitals.formats.importers.event_trainings import EventFileSummary, trainings_in
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.runs import Run
from rlvitals.sinks.tensorboard_sink import EventFile

STEPS = range(100, 1100, 100)


def write(folder: Path, started: float, steps: Iterable[int], tag: str = "losses/value_loss", **once: float) -> Path:
    """Write an event file with a value at each step, one per second, and values at step 0. Return its path."""
    before = set(folder.glob("*"))
    file = EventFile(folder, started)
    file.scalars(started, 0, once)
    for second, step in enumerate(steps):
        file.scalars(started + second, step, {tag: 0.5})
    file.close()
    (path,) = {*folder.glob("*")} - before
    return path


def trainings(folder: Path) -> list[list[Path]]:
    """Return the event files of each training in a folder."""
    found = trainings_in([EventFileSummary(file) for file in event_files(folder)])
    return [[each.file for each in training.files] for training in found]


def steps_of(run: Run) -> list[Any]:
    return [update.step for update in run.records("updates")]


@pytest.mark.parametrize("steps", [STEPS, range(150, 300, 50), range(100, 101)])
def test_a_file_that_starts_the_steps_again_is_another_training(tmp_path: Path, steps: range) -> None:
    """Its first step can be another one. A third training is compared with the second one."""
    files = [write(tmp_path, 1000.0, STEPS), write(tmp_path, 2000.0, steps), write(tmp_path, 3000.0, STEPS)]

    assert trainings(tmp_path) == [[file] for file in files]


@pytest.mark.parametrize("steps", [range(1100, 2100, 100), range(900, 2000, 100), range(300, 400, 100)])
def test_a_resumed_training_is_one(tmp_path: Path, steps: range) -> None:
    """It goes on from its last step or from a checkpoint. A result at step 0 of each file does not start it again."""
    files = [write(tmp_path, started, of, result=1.0) for started, of in ((1000.0, STEPS), (2000.0, steps))]

    assert trainings(tmp_path) == [files]


def test_a_training_after_a_resumed_one_is_another(tmp_path: Path) -> None:
    first, second, third = (
        write(tmp_path, started, steps)
        for started, steps in ((1000.0, STEPS), (2000.0, range(1100, 2100, 100)), (3000.0, STEPS))
    )

    assert trainings(tmp_path) == [[first, second], [third]]


def test_writers_that_overlap_in_time_are_one_training(tmp_path: Path) -> None:
    """Several processes of a training can log the same tags."""
    files = [write(tmp_path, 1000.0, STEPS), write(tmp_path, 1005.0, STEPS)]

    assert trainings(tmp_path) == [files]


def test_writers_of_other_tags_are_one_training(tmp_path: Path) -> None:
    files = [write(tmp_path, 1000.0, STEPS), write(tmp_path, 2000.0, STEPS, "losses/entropy")]

    assert trainings(tmp_path) == [files]


def test_a_training_without_steps_and_one_without_values_are_not_separated(tmp_path: Path) -> None:
    files = [write(tmp_path, 1000.0, [0, 0]), write(tmp_path, 2000.0, [0, 0]), write(tmp_path, 3000.0, [])]

    assert trainings(tmp_path) == [files]


def test_evaluations_belong_to_the_training_at_their_time(tmp_path: Path) -> None:
    """The writer of an evaluation can be older than that of its training. A repeated evaluation is not a training."""
    evaluation = [write(tmp_path / "eval", started, STEPS) for started in (1000.0, 1100.0, 1999.0)]
    training = [write(tmp_path / "train", started, STEPS) for started in (1001.0, 2000.0)]

    assert trainings(tmp_path) == [
        [evaluation[0], training[0], evaluation[1]],
        [evaluation[2], training[1]],
    ]


def test_each_training_in_a_folder_becomes_a_run(tmp_path: Path) -> None:
    """The warning of the second run names both files."""
    files = [write(tmp_path / "tb", started, STEPS) for started in (1000.0, 2000.0)]
    first, second = (done.run for done in import_runs(tmp_path / "tb", tmp_path / "logs"))

    assert [(run.run_id, run.header.started, steps_of(run)) for run in (first, second)] == [
        ("tb", 1000.0, [*STEPS]),
        ("tb-2", 2000.0, [*STEPS]),
    ]
    assert import_warnings(first.records("events")) == []
    assert import_warnings(second.records("events")) == [
        f"The steps in {files[1]} start again after {files[0]} ended. It becomes a separate run."
    ]


def test_trainings_of_one_folder_are_named_by_their_path(tmp_path: Path) -> None:
    for place, started in (("a", 1000.0), ("b", 1000.0), ("b", 2000.0)):
        write(tmp_path / "runs" / place / "tb", started, STEPS)

    found = import_runs(tmp_path / "runs", tmp_path / "logs")

    assert [done.run.run_id for done in found] == ["a-tb", "b-tb", "b-tb-2"]


def test_a_script_that_runs_again_keeps_the_run_of_the_first_training(tmp_path: Path) -> None:
    """The next import only adds the new training."""

    def outcomes() -> dict[str, str]:
        return {done.run.run_id: done.outcome for done in import_runs(tmp_path / "tb", tmp_path / "logs")}

    write(tmp_path / "tb", 1000.0, STEPS)
    assert outcomes() == {"tb": "imported"}
    write(tmp_path / "tb", 2000.0, STEPS)
    assert outcomes() == {"tb": "unchanged", "tb-2": "imported"}
    assert outcomes() == {"tb": "unchanged", "tb-2": "unchanged"}


def test_several_trainings_are_refused_where_one_run_is_expected(tmp_path: Path) -> None:
    """The error names both files. Each can be imported alone."""
    first, second = (write(tmp_path / "tb", started, STEPS) for started in (1000.0, 2000.0))

    with pytest.raises(ImportFormatError, match=rf"The steps in {second} start again after {first} ended\. To"):
        import_run(tmp_path / "tb", tmp_path / "logs")
    assert steps_of(import_run(second, tmp_path / "logs")) == [*STEPS]


def test_trainings_next_to_monitor_files_are_one_run_with_a_warning(tmp_path: Path) -> None:
    """The monitor file has the episodes of one of them."""
    first, second = (write(tmp_path / "sb3", started, STEPS) for started in (1000.0, 2000.0))
    (tmp_path / "sb3" / "monitor.csv").write_text('#{"t_start": 1000.0, "env_id": "A"}\nr,l,t\n1.0,100,1.0\n', "utf-8")
    run = import_run(tmp_path / "sb3", tmp_path / "logs")

    assert steps_of(run) == [*STEPS, *STEPS]
    (warning,) = import_warnings(run.records("events"))
    assert warning.startswith(f"The steps in {second} start again after {first} ended. Both trainings are in this run.")
