"""Writing of complete runs."""

import os
from pathlib import Path

import pytest

from rlvitals.errors import RunError, RunExistsError
from rlvitals.files.regular_files import aside_of
from rlvitals.records import Episode
from rlvitals.runs import Header, find_runs
from rlvitals.runs.run_writer import RunWriter, restore_exchanged
from rlvitals.runs.verification import verify


def write(folder: Path, count: int, **options: int) -> RunWriter:
    writer = RunWriter(folder, "run", **options)
    for episode in range(count):
        writer.write(Episode(time=1.0, episode=episode, reward=0.5, length=1))
    return writer


def test_a_run_is_visible_when_it_is_finished(tmp_path: Path) -> None:
    """A search for runs does not find it before."""
    writer = write(tmp_path, 3)
    assert find_runs(tmp_path) == ([], [])
    run = writer.finish(Header(run_id="", started=1.0))
    assert [each.episode for each in run.records("episodes")] == [0, 1, 2]
    assert (run.run_id, [each.name for each in tmp_path.iterdir()]) == ("run", ["run"])


def test_full_segments_are_sealed(tmp_path: Path) -> None:
    """The small last segment stays unsealed, and verification finds no faults."""
    run = write(tmp_path, 5, seal_records=2).finish(Header(run_id="", started=1.0))
    assert [segment.path.name for segment in run.layout.segments("episodes")] == [
        "000001.parquet",
        "000002.parquet",
        "000003.jsonl",
    ]
    assert (verify(run, mending=False).faults, len(list(run.records("episodes")))) == ([], 5)


def test_giving_up_removes_an_unfinished_run(tmp_path: Path) -> None:
    """A finished run is kept."""
    write(tmp_path, 3).give_up()
    assert list(tmp_path.iterdir()) == []
    writer = write(tmp_path, 1)
    writer.finish(Header(run_id="", started=1.0))
    writer.give_up()
    assert len(find_runs(tmp_path)[0]) == 1


def test_an_existing_file_is_refused(tmp_path: Path) -> None:
    """A file can have the name of the run, or the path of the folder of runs."""
    (tmp_path / "run").write_text("")
    with pytest.raises(RunExistsError, match="exists and is not a folder"):
        write(tmp_path, 1).finish(Header(run_id="", started=1.0))
    with pytest.raises(RunError, match="cannot write a run to"):
        RunWriter(tmp_path / "run", "mine")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize("is_free", [True, False])
def test_a_run_of_a_killed_exchange_is_restored(tmp_path: Path, is_free: bool) -> None:
    """A run that has taken its name meanwhile is kept, and so is an incomplete run."""
    old = write(tmp_path, 2).finish(Header(run_id="", started=1.0))
    child = os.fork()
    if child == 0:
        old.path.rename(aside_of(old.path))  # first step of `exchange` where folders cannot be exchanged
        os._exit(0)
    os.waitpid(child, 0)
    if not is_free:
        write(tmp_path, 1).finish(Header(run_id="", started=1.0))
    (tmp_path / f".run.5.{child}.tmp").mkdir()
    restore_exchanged(tmp_path)

    runs, _ = find_runs(tmp_path)
    assert [(run.run_id, len(list(run.records("episodes")))) for run in runs] == [("run", 2 if is_free else 1)]
    assert (tmp_path / f".run.5.{child}.tmp").exists()
