"""Trainings are found in folders of folders."""

import gzip
import os
from pathlib import Path

import pytest

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.training_search import TrainingSearch, relative_name
from rlvitals.sinks.tensorboard_sink import EventFile
from rlvitals.testing.exporters import made_run

TRACKIO = Path(__file__).parent / "made_by_trackio" / "cartpole.db.gz"
MONITOR = '#{"t_start": 1000.0}\nr,l,t\n1.5,10,1.0\n'
STATE = '{"log_history": [{"loss": 1.0, "step": 1}], "global_step": 1}'
EPISODE = '{"episode": 1, "reward": 1, "length": 1}\n'
CONTENTS = {".csv": MONITOR, ".jsonl": EPISODE, ".json": STATE, ".txt": "notes"}


def make(folder: Path, *names: str) -> None:
    """Create files with the contents that belong to their suffix."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("tfevents"):
            events = EventFile(file.parent, 1000.0)
            events.scalars(1001.0, 1, {"a/b": 1.0})
            events.close()
        else:
            file.write_text(CONTENTS[file.suffix])


def found(folder: Path) -> list[str]:
    return [str(one.path.relative_to(folder)) for one in TrainingSearch().trainings_at(folder)]


@pytest.mark.parametrize(
    ("files", "runs"),
    [
        (["train/tfevents", "eval/tfevents"], ["."]),
        (["checkpoint-1/trainer_state.json", "checkpoint-2/trainer_state.json"], ["."]),
        (["a/tfevents", "b/tfevents"], ["a", "b"]),
        (["train/tfevents", "other/tfevents"], ["other", "train"]),
        (["tfevents", "a/tfevents", "b/seed1/tfevents"], [".", "a", "b/seed1"]),
        (["test/tfevents", "a/seed1/tfevents"], [".", "a/seed1"]),
        (["a/tfevents", "a/eval/tfevents"], ["a"]),
        (["monitor.csv", "eval/monitor.csv"], ["."]),
        (["monitor.csv", "PPO_1/tfevents"], ["."]),
        (["monitor.csv", "tb/PPO_1/tfevents", "eval/tfevents"], ["."]),
        (["monitor.csv", "PPO_1/tfevents", "PPO_2/tfevents"], [".", "PPO_1", "PPO_2"]),
        (["monitor.csv", "runs/a/tfevents", "runs/b/tfevents", "c/x.jsonl"], [".", "c/x.jsonl", "runs/a", "runs/b"]),
        (["monitor.csv", "tb/PPO_1/tfevents", "tb/x.jsonl"], [".", "tb/x.jsonl"]),
        (["monitor.csv", "tfevents", "eval/tfevents", "b/tfevents"], [".", "b"]),
        (["monitor.csv", "test/a/tfevents", "test/b/tfevents"], [".", "test/a", "test/b"]),
        (["monitor.csv", "a/monitor.csv", "a/tb/tfevents"], [".", "a"]),
        (["x/monitor.csv"], ["x"]),
        (["a.jsonl", "b.jsonl"], ["a.jsonl", "b.jsonl"]),
        (["a.jsonl", "x/tfevents", "y/tfevents"], ["a.jsonl", "x", "y"]),
        (["notes.txt"], ["."]),
        (["multirun/2026-01-01/12-00-00/3/logs/tb/tfevents"], ["multirun/2026-01-01/12-00-00/3/logs/tb"]),
    ],
    ids=",".join,
)
def test_one_training_is_distinguished_from_a_folder_of_trainings(
    tmp_path: Path, files: list[str], runs: list[str]
) -> None:
    """Files directly in a folder, or subfolders with known names, make it one training. Any depth is searched."""
    make(tmp_path, *files)

    assert found(tmp_path) == runs


def test_links_in_circles_end(tmp_path: Path) -> None:
    """A folder with several paths is one training, under its own path and not that of a link."""
    make(tmp_path, "x/1/monitor.csv")
    (tmp_path / "latest").symlink_to(tmp_path / "x" / "1")
    (tmp_path / "x" / "1" / "up").symlink_to(tmp_path)
    (tmp_path / "x" / "up").symlink_to(tmp_path)
    (tmp_path / "x" / "itself").symlink_to("itself")

    assert found(tmp_path) == ["x/1"]


def test_links_to_other_folders_are_followed(tmp_path: Path) -> None:
    """The results of a cluster are often linked from a scratch disk."""
    make(tmp_path / "scratch", "1/monitor.csv")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "runs").symlink_to(tmp_path / "scratch")

    assert found(tmp_path / "project") == ["runs/1"]


def test_an_unreadable_folder_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other folders are searched."""
    make(tmp_path, "a/1/monitor.csv", "b/monitor.csv")
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path / "a")  # root can read every folder
    search = TrainingSearch()

    assert [one.path for one in search.trainings_at(tmp_path)] == [tmp_path / "b"]
    assert [message.partition(": Permission denied")[0] for message in search.unreadable] == [
        f"{tmp_path / 'a'} cannot be read"
    ]


def test_a_database_next_to_the_logs_of_a_training_is_separate(tmp_path: Path) -> None:
    """It can hold other runs, too."""
    make(tmp_path, "monitor.csv")
    (tmp_path / "cartpole.db").write_bytes(gzip.decompress(TRACKIO.read_bytes()))

    assert [one.format for one in TrainingSearch().trainings_at(tmp_path)] == ["sb3", "trackio"]


def test_hidden_folders_packages_and_runs_are_skipped(tmp_path: Path) -> None:
    make(tmp_path, ".cache/monitor.csv", "venv/lib/site-packages/tests/monitor.csv", "x/monitor.csv")
    made_run(tmp_path / "logs", "ordinary")

    assert found(tmp_path) == ["x"]


def test_only_the_chosen_format_is_found(tmp_path: Path) -> None:
    make(tmp_path, "x/monitor.csv", "y/tfevents")

    (training,) = TrainingSearch("tensorboard").trainings_at(tmp_path)

    assert training == (tmp_path / "y", "tensorboard")
    with pytest.raises(ImportFormatError, match="unknown format 'nonsense'"):
        TrainingSearch("nonsense")


def test_a_long_name_keeps_its_end(tmp_path: Path) -> None:
    """The seed of a sweep is in the last folder."""
    folder = tmp_path / ("a" * 60) / ("b" * 60) / "seed-3"

    assert relative_name(folder, tmp_path).endswith("b-seed-3")
    assert relative_name(tmp_path, tmp_path, "ppo") == f"{tmp_path.name}-ppo"
